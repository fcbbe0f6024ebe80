/* Gradient descent by minibatches: rows are gathered, a kernel gives value and gradients, and every
   parameter takes a step. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef void kernel(const void *const *in, void *const *out, void *work);

/* `width` is that of a row of an input that is gathered from `from`, 0 for the others. `in` has
   where the kernel reads each input, `out` where it writes the value and then the gradients, of so
   many entries each; `parameter` are written. */
void descend(
    kernel *run, int inputs, void *const *in, const void *const *from, const int64_t *width,
    int parameters, void *const *parameter, void *const *out, const int64_t *entries,
    const int64_t *order, int64_t batch, int64_t batches, double rate, void *values, void *work);

void descend(
    kernel *run, int inputs, void *const *in, const void *const *from, const int64_t *width,
    int parameters, void *const *parameter, void *const *out, const int64_t *entries,
    const int64_t *order, int64_t batch, int64_t batches, double rate, void *values, void *work)
{
    const real step = (real)rate;
    for (int64_t b = 0; b < batches; b++) {
        for (int k = 0; k < inputs; k++)
            for (int64_t row = 0; width[k] && row < batch; row++)
                memcpy((real *)in[k] + row * width[k],
                       (const real *)from[k] + order[b * batch + row] * width[k],
                       (size_t)width[k] * sizeof(real));
        run((const void *const *)in, out, work);
        ((real *)values)[b] = *(const real *)out[0];
        for (int k = 0; k < parameters; k++) {
            real *restrict const to = parameter[k];
            const real *restrict const slope = out[k + 1];
            for (int64_t i = 0; i < entries[k]; i++)
                to[i] -= step * slope[i];
        }
    }
}
