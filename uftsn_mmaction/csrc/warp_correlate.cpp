// SPDX-License-Identifier: Apache-2.0
// Eq. 2 and 3 on a CPU: sample the second feature where the flow points to,
// and compare each pixel of the first with a square of the result.
//
// Plain C++ behind a C interface, so that one build serves every release of
// PyTorch. All maps are contiguous: features (N, C, H, W), flow (N, 2, H, W),
// volume (N, (2r+1)^2, H, W); on the way forward, features and volume may both
// be channels_last, (N, H, W, C). The inner loops are compiled for several
// instruction sets, and the best that the processor has are taken.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#define INLINE inline __attribute__((always_inline))

namespace {

using Index = std::int64_t;

// Bytes of the widest vector register.
constexpr Index kWidest = 64;

INLINE Index smaller(Index a, Index b) { return a < b ? a : b; }

// Write a matrix of some rows and columns as its transpose, whose rows are
// `stride` apart.
template <typename T>
INLINE void transpose(const T* from, Index rows, Index columns, T* to,
                      Index stride) {
  for (Index column = 0; column < columns; ++column)
    for (Index row = 0; row < rows; ++row)
      to[column * stride + row] = from[row * columns + column];
}

// The sizes of one sample.
struct Size {
  Index channels, height, width, radius;
  Index side() const { return 2 * radius + 1; }
  Index shifts() const { return side() * side(); }
  Index pixels() const { return height * width; }
  Index values() const { return channels * pixels(); }
};

// Rows of some channels with zeros around them, in the order (H, C, W), so
// that all that a row of results needs is close together. A whole vector may
// be read from any pixel and from any of the margin.
template <typename T>
class Rows {
 public:
  Rows(Index channels, Index height, Index width, Index margin)
      : margin_(margin),
        stride_(width + 2 * margin + kWidest / sizeof(T)),
        row_(channels * stride_),
        data_((height + 2 * margin) * row_) {}

  // Pixel (y, x) of a channel, for -margin <= y, x.
  T* at(Index channel, Index y, Index x) {
    return data_.data() + (y + margin_) * row_ + channel * stride_ + x +
           margin_;
  }
  Index stride() const { return stride_; }

 private:
  Index margin_, stride_, row_;
  std::vector<T> data_;
};

template <typename T>
Rows<T> rows_of(const Size& size, Index margin) {
  return Rows<T>(size.channels, size.height, size.width, margin);
}

// Where a pixel points to: the upper left of the four pixels around that
// place, and the shares of the others.
template <typename T>
struct Place {
  Index y, x;
  T across, down;
};

// Zeros that a place outside of the frame finds around it.
constexpr Index kOutside = 2;

template <typename T>
std::vector<Place<T>> find_places(const T* flow, const Size& size) {
  std::vector<Place<T>> places(flow ? size.pixels() : 0);
  for (Index y = 0; y < size.height && flow; ++y)
    for (Index x = 0; x < size.width; ++x) {
      Index pixel = y * size.width + x;
      T column = x + flow[pixel], row = y + flow[size.pixels() + pixel];
      // Points far outside, infinite or NaN have no pixel, and no integer.
      bool near = column > -1 && column < size.width && row > -1 &&
                  row < size.height;
      T left = near ? std::floor(column) : T(-kOutside);
      T top = near ? std::floor(row) : T(-kOutside);
      places[pixel] = {Index(top), Index(left), near ? column - left : 0,
                       near ? row - top : 0};
    }
  return places;
}

// Copy row y of all channels from (C, H, W), or (H, W, C) if channels_last, to
// rows.
template <typename T>
void copy_row(const T* feature, bool channels_last, Rows<T>& rows, Index y,
              const Size& size) {
  if (channels_last) {
    transpose(feature + y * size.width * size.channels, size.width,
              size.channels, rows.at(0, y, 0), rows.stride());
    return;
  }
  for (Index channel = 0; channel < size.channels; ++channel)
    std::copy_n(feature + channel * size.pixels() + y * size.width, size.width,
                rows.at(channel, y, 0));
}

// eq. 2 for one row.
template <typename T>
void warp_row(Rows<T>& feature, const std::vector<Place<T>>& places,
              Rows<T>& warped, Index y, const Size& size) {
  for (Index x = 0; x < size.width; ++x) {
    const Place<T> place = places[y * size.width + x];
    const T* upper = feature.at(0, place.y, place.x);
    const T* lower = feature.at(0, place.y + 1, place.x);
    T* to = warped.at(0, y, x);
    for (Index channel = 0; channel < size.channels; ++channel) {
      T top = upper[0] + place.across * (upper[1] - upper[0]);
      T bottom = lower[0] + place.across * (lower[1] - lower[0]);
      *to = top + place.down * (bottom - top);
      upper += feature.stride(), lower += feature.stride();
      to += warped.stride();
    }
  }
}

#define BYTES 16
namespace baseline {
#include "warp_correlate_kernels.h"
}
#undef BYTES
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define HAS_VARIANTS
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#define BYTES 32
namespace avx2 {
#include "warp_correlate_kernels.h"
}
#undef BYTES
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f")
#define BYTES 64
namespace avx512 {
#include "warp_correlate_kernels.h"
}
#undef BYTES
#pragma GCC pop_options
#endif

// The loops for this processor.
template <typename T>
struct Kernels {
  decltype(&baseline::correlate_row<T>) correlate = baseline::correlate_row<T>;
  decltype(&baseline::all_gradients<T, false>) by_first =
      baseline::all_gradients<T, false>;
  decltype(&baseline::all_gradients<T, true>) by_second =
      baseline::all_gradients<T, true>;

  Kernels() {
#ifdef HAS_VARIANTS
#define CHOOSE(set)                        \
  correlate = set::correlate_row<T>;       \
  by_first = set::all_gradients<T, false>; \
  by_second = set::all_gradients<T, true>
    if (__builtin_cpu_supports("avx512f")) {
      CHOOSE(avx512);
    } else if (__builtin_cpu_supports("avx2") &&
               __builtin_cpu_supports("fma")) {
      CHOOSE(avx2);
    }
#undef CHOOSE
#endif
  }
};

// Derivatives of eq. 2, of one channel by the feature and of row y by the
// flow.
template <typename T>
void unwarp_channel(const T* of_warped, const std::vector<Place<T>>& places,
                    Rows<T>& of_feature, Index channel, const Size& size) {
  for (Index pixel = 0; pixel < size.pixels(); ++pixel) {
    const Place<T> place = places[pixel];
    T* upper = of_feature.at(channel, place.y, place.x);
    T* lower = of_feature.at(channel, place.y + 1, place.x);
    T low = place.down * of_warped[pixel], high = of_warped[pixel] - low;
    upper[0] += (1 - place.across) * high;
    upper[1] += place.across * high;
    lower[0] += (1 - place.across) * low;
    lower[1] += place.across * low;
  }
}

template <typename T>
void differentiate_flow(const T* of_warped, Rows<T>& feature,
                        const std::vector<Place<T>>& places, T* of_flow,
                        Index y, const Size& size) {
  for (Index x = 0; x < size.width; ++x) {
    Index pixel = y * size.width + x;
    const Place<T> place = places[pixel];
    const T* upper = feature.at(0, place.y, place.x);
    const T* lower = feature.at(0, place.y + 1, place.x);
    T across = 0, down = 0;
    for (Index channel = 0; channel < size.channels; ++channel) {
      T here = of_warped[channel * size.pixels() + pixel];
      T top = upper[1] - upper[0], bottom = lower[1] - lower[0];
      across += here * (top + place.down * (bottom - top));
      down += here * (lower[0] - upper[0] + place.across * (bottom - top));
      upper += feature.stride(), lower += feature.stride();
    }
    of_flow[pixel] = across;
    of_flow[size.pixels() + pixel] = down;
  }
}

// eq. 3 for row y of a volume (S, H, W), or (H, W, S) if channels_last. The
// scratch holds a row.
template <typename T>
void correlate(const Kernels<T>& kernels, Rows<T>& first, Rows<T>& second,
               T* volume, bool channels_last, std::vector<T>& scratch, Index y,
               const Size& size) {
  if (!channels_last) {
    kernels.correlate(first, second, volume + y * size.width, size.pixels(), y,
                      size);
    return;
  }
  kernels.correlate(first, second, scratch.data(), size.width, y, size);
  transpose(scratch.data(), size.shifts(), size.width,
            volume + y * size.width * size.shifts(), size.shifts());
}

template <typename T>
void forward(const T* first, const T* second, const T* flow, T* volume,
             Index samples, const Size& size, bool channels_last,
             int threads) {
  const Kernels<T> kernels;
  Rows<T> here = rows_of<T>(size, 0), there = rows_of<T>(size, size.radius);
  Rows<T> unwarped = rows_of<T>(size, kOutside);
  for (Index n = 0; n < samples; ++n) {
    auto places = find_places(flow, size);
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
      std::vector<T> scratch(channels_last ? size.shifts() * size.width : 0);
#pragma omp for
      for (Index y = 0; y < size.height; ++y) {
        copy_row(first, channels_last, here, y, size);
        copy_row(second, channels_last, flow ? unwarped : there, y, size);
      }
      if (flow) {
#pragma omp for
        for (Index y = 0; y < size.height; ++y)
          warp_row(unwarped, places, there, y, size);
      }
#pragma omp for
      for (Index y = 0; y < size.height; ++y)
        correlate(kernels, here, there, volume, channels_last, scratch, y,
                  size);
    }
    first += size.values(), second += size.values();
    flow += flow ? 2 * size.pixels() : 0;
    volume += size.shifts() * size.pixels();
  }
}

// What is not needed of of_first, of_second and of_flow is null.
template <typename T>
void backward(const T* of_volume, const T* first, const T* second,
              const T* flow, T* of_first, T* of_second, T* of_flow,
              Index samples, const Size& size, int threads) {
  const Kernels<T> kernels;
  Size volume = size;
  volume.channels = size.shifts();
  Rows<T> gradient = rows_of<T>(volume, size.radius);
  Rows<T> here = rows_of<T>(size, size.radius), there = here;
  Rows<T> unwarped = rows_of<T>(size, kOutside);
  const bool compares = of_second || of_flow;
  std::vector<T> of_warped(flow && compares ? size.values() : 0);
  for (Index n = 0; n < samples; ++n) {
    auto places = find_places(flow, size);
    Rows<T> of_unwarped =
        flow && of_second ? rows_of<T>(size, kOutside) : Rows<T>(0, 0, 0, 0);
    T* warped = flow ? of_warped.data() : of_second;
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
#pragma omp for
      for (Index y = 0; y < size.height; ++y) {
        copy_row(first, false, here, y, size);
        copy_row(second, false, flow ? unwarped : there, y, size);
        copy_row(of_volume, false, gradient, y, volume);
      }
      if (flow) {
#pragma omp for
        for (Index y = 0; y < size.height; ++y)
          warp_row(unwarped, places, there, y, size);
      }
#pragma omp for
      for (Index y = 0; y < size.height; ++y) {
        if (of_first) kernels.by_first(gradient, there, of_first, y, size);
        if (compares) kernels.by_second(gradient, here, warped, y, size);
      }
      if (of_flow) {
#pragma omp for
        for (Index y = 0; y < size.height; ++y)
          differentiate_flow(warped, unwarped, places, of_flow, y, size);
      }
      if (flow && of_second) {
#pragma omp for
        for (Index channel = 0; channel < size.channels; ++channel) {
          unwarp_channel(warped + channel * size.pixels(), places, of_unwarped,
                         channel, size);
          for (Index y = 0; y < size.height; ++y)
            std::copy_n(of_unwarped.at(channel, y, 0), size.width,
                        of_second + channel * size.pixels() + y * size.width);
        }
      }
    }
    of_volume += size.shifts() * size.pixels();
    first += size.values(), second += size.values();
    of_first += of_first ? size.values() : 0;
    of_second += of_second ? size.values() : 0;
    flow += flow ? 2 * size.pixels() : 0;
    of_flow += of_flow ? 2 * size.pixels() : 0;
  }
}

}  // namespace

#define INTERFACE(T, name)                                                   \
  extern "C" void warp_correlate_forward_##name(                             \
      const T* first, const T* second, const T* flow, T* volume,             \
      std::int64_t samples, std::int64_t channels, std::int64_t height,      \
      std::int64_t width, std::int64_t radius, int channels_last,            \
      int threads) {                                                         \
    forward(first, second, flow, volume, samples,                            \
            Size{channels, height, width, radius}, channels_last, threads);  \
  }                                                                          \
  extern "C" void warp_correlate_backward_##name(                            \
      const T* of_volume, const T* first, const T* second, const T* flow,    \
      T* of_first, T* of_second, T* of_flow, std::int64_t samples,           \
      std::int64_t channels, std::int64_t height, std::int64_t width,        \
      std::int64_t radius, int threads) {                                    \
    backward(of_volume, first, second, flow, of_first, of_second, of_flow,   \
             samples, Size{channels, height, width, radius}, threads);       \
  }

INTERFACE(float, float32)
INTERFACE(double, float64)
