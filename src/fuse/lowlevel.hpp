// The one place that includes libfuse, with the API version that this code is written for.
//
// 3.12 is the first with fuse_loop_cfg; everything newer (passthrough, HANDLE_KILLPRIV_V2) is asked for by
// feature.
#pragma once

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>
