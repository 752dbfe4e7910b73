// SPDX-License-Identifier: Apache-2.0
// The inner loops of eq. 3. warp_correlate.cpp includes this file once for
// each instruction set, in a namespace of its own, with BYTES as the width of
// a vector register.

// A register full of numbers.
template <typename T>
struct Lanes {
  typedef T Vector __attribute__((vector_size(BYTES)));
  static constexpr Index count = BYTES / sizeof(T);
};

template <typename T>
INLINE typename Lanes<T>::Vector load(const T* from) {
  typename Lanes<T>::Vector value;
  __builtin_memcpy(&value, from, sizeof(value));
  return value;
}

// sum_c first[c][x] * second[c][x + shift] for `count` shifts at a time.
template <typename T, int count>
INLINE void products(const T* first, Index first_stride, const T* second,
                     Index second_stride, Index channels, T scale, T* volume,
                     Index plane, Index length) {
  typename Lanes<T>::Vector sums[count] = {};
  for (Index channel = 0; channel < channels; ++channel) {
    auto here = load(first + channel * first_stride);
    for (int shift = 0; shift < count; ++shift)
      sums[shift] += here * load(second + channel * second_stride + shift);
  }
  for (int shift = 0; shift < count; ++shift) {
    auto scaled = sums[shift] * scale;
    __builtin_memcpy(volume + shift * plane, &scaled, length * sizeof(T));
  }
}

// eq. 3 for row y of one sample. The results of one shift are adjacent; those
// of the next start `plane` elements later.
template <typename T>
void correlate_row(Rows<T>& first, Rows<T>& second, T* volume, Index plane,
                   Index y, const Size& size) {
  const Index lanes = Lanes<T>::count, side = size.side();
  const T scale = T(1) / size.channels;
  for (Index dy = 0; dy < side; ++dy)
    for (Index x = 0; x < size.width; x += lanes) {
      Index length = smaller(lanes, size.width - x);
      for (Index dx = 0; dx < side;) {
        T* to = volume + (dy * side + dx) * plane + x;
        const T* a = first.at(0, y, x);
        const T* b = second.at(0, y + dy - size.radius, x + dx - size.radius);
#define PRODUCTS(count)                                                     \
  products<T, count>(a, first.stride(), b, second.stride(), size.channels, \
                     scale, to, plane, length);                             \
  dx += count
        // As many sums as stay in registers.
        if (side - dx >= 9) { PRODUCTS(9); }
        else if (side - dx >= 7) { PRODUCTS(7); }
        else if (side - dx >= 5) { PRODUCTS(5); }
        else if (side - dx >= 3) { PRODUCTS(3); }
        else { PRODUCTS(1); }
#undef PRODUCTS
      }
    }
}

// Derivative of eq. 3 for row y of some channels: by the second feature if
// `second`, where gradient and map are those of the pixel that was compared
// with this one, else by the first.
template <typename T, int block, bool second>
INLINE void gradient_row(Rows<T>& gradient, Rows<T>& map, Index channel, T* to,
                         Index y, const Size& size) {
  const Index side = size.side();
  const T scale = T(1) / size.channels;
  for (Index x = 0; x < size.width; x += Lanes<T>::count) {
    typename Lanes<T>::Vector sums[block] = {};
    for (Index dy = -size.radius; dy <= size.radius; ++dy)
      for (Index dx = -size.radius; dx <= size.radius; ++dx) {
        Index shift = (dy + size.radius) * side + dx + size.radius;
        Index row = second ? y - dy : y + dy, column = second ? x - dx : x + dx;
        const T* from = map.at(channel, row, column);
        auto here = load(second ? gradient.at(shift, row, column)
                                : gradient.at(shift, y, x));
        for (int part = 0; part < block; ++part)
          sums[part] += here * load(from + part * map.stride());
      }
    Index length = smaller(Lanes<T>::count, size.width - x);
    for (int part = 0; part < block; ++part) {
      auto scaled = sums[part] * scale;
      __builtin_memcpy(to + part * size.pixels() + x, &scaled,
                       length * sizeof(T));
    }
  }
}

template <typename T, bool second>
void all_gradients(Rows<T>& gradient, Rows<T>& map, T* to, Index y,
                          const Size& size) {
  to += y * size.width;
  Index channel = 0;
#define BLOCKS(block)                                                       \
  for (; channel + block <= size.channels; channel += block)                \
    gradient_row<T, block, second>(gradient, map, channel,                  \
                                   to + channel * size.pixels(), y, size)
  BLOCKS(8);
  BLOCKS(3);
  BLOCKS(1);
#undef BLOCKS
}
