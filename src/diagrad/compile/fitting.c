/* The Caller of caller.py, where the interface is described, as a CPython extension: from a Python
   call to a compiled kernel and back in a fraction of a microsecond. It is one unit of three files,
   in the order fitting.c, calling.c, caller.c. Here: what it consists of, and what fits a kernel.

   Invariants. A Special never changes and is freed with its Caller alone, so a kernel may run
   without the GIL while another thread adds one. `spare` changes hands under the GIL only. Inputs
   are held by whoever calls; outputs that a caller passes in are held here. */

#define PY_SSIZE_T_CLEAN
#define NPY_NO_DEPRECATED_API NPY_1_7_API_VERSION
#include <Python.h>
#include <structmember.h>

#include <math.h>

#include <numpy/arrayobject.h>
#include <numpy/arrayscalars.h>

typedef void (*Kernel)(const void *const *inputs, void *const *outputs, void *workspace);

enum { SCALAR = -1, CACHE_LINE = 64, ON_STACK = 4096, MOST_AXES = 32, MOST_ARRAYS = 4096,
       SMALL = 1 << 16, MOST_SPARE = 1 << 28 };

typedef struct {
    npy_intp rows, columns;
    int axes; /* the fewest that an array may have: 2 matrix, 1 row or column, 0 scalar */
} Input;

typedef struct {
    int axes; /* or SCALAR */
    npy_intp sizes[MOST_AXES];
    size_t bytes;
    int zeroed; /* the kernel takes it to be 0 everywhere */
    PyObject *spare; /* the last result, to be used again when no one else has it any more */
} Output;

typedef struct {
    int type; /* NPY_DOUBLE or NPY_FLOAT */
    PyArray_Descr *descr;
    Input *inputs;
    Py_ssize_t output_count;
    Output *outputs;
    size_t large; /* bytes of all outputs that are not small */
    Kernel kernel;
    size_t workspace;
    int release;
    const void **apart; /* where inputs and outputs were that were last seen not to overlap */
} Special;

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *names, *slow, *slow_into, *weak;
    int *axes; /* of each input; NULL where its sizes decide */
    Py_ssize_t count;
    Special **specials;
    Py_ssize_t last;
    const Special *holder; /* the only one that keeps results that are not small */
    void *spare;
    size_t spare_bytes;
} Caller;

/* Arguments in the order of the names; NULL where they do not bind one to one. */
static PyObject *const *
bind(const Caller *self, PyObject *const *given, Py_ssize_t positional, PyObject *keywords,
     PyObject **bound)
{
    Py_ssize_t named = keywords ? PyTuple_GET_SIZE(keywords) : 0;
    Py_ssize_t count = PyTuple_GET_SIZE(self->names);
    if (positional + named != count) {
        return NULL;
    }
    if (!named) {
        return given;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        bound[i] = i < positional ? given[i] : NULL;
    }
    for (Py_ssize_t k = 0; k < named; k++) {
        PyObject *keyword = PyTuple_GET_ITEM(keywords, k);
        Py_ssize_t at = positional + k;
        if (PyTuple_GET_ITEM(self->names, at) != keyword) {
            for (at = 0; at < count && PyTuple_GET_ITEM(self->names, at) != keyword; at++) {
            }
        }
        if (at == count) { /* a string that is not interned */
            for (at = 0; at < count; at++) {
                if (!PyUnicode_Compare(PyTuple_GET_ITEM(self->names, at), keyword)) {
                    break;
                }
            }
        }
        if (at == count || bound[at]) {
            return NULL;
        }
        bound[at] = given[positional + k];
    }
    return bound;
}

static int
of_type(const Special *special, PyArrayObject *array)
{
    PyArray_Descr *descr = PyArray_DESCR(array);
    return descr == special->descr
           || (descr->type_num == special->type && PyArray_ISNBO(descr->byteorder));
}

static int
array_fits(const Special *special, const Input *input, PyArrayObject *array)
{
    if (!of_type(special, array) || !PyArray_CHKFLAGS(array, NPY_ARRAY_CARRAY_RO)) {
        return 0;
    }
    const npy_intp *sizes = PyArray_DIMS(array);
    int axes = PyArray_NDIM(array);
    if (axes == 2) {
        return (sizes[0] == input->rows && sizes[1] == input->columns)
               || (!input->axes && sizes[0] == 1 && sizes[1] == 1);
    }
    if (!input->axes) {
        return PyArray_SIZE(array) == 1;
    }
    return axes == 1 && input->axes == 1 && sizes[0] == input->rows * input->columns;
}

/* Writes a number in the type of the special. 1: it has that type; 0: a Python number, which has
   any type; -1: it does not fit, with no exception set. */
static int
number_fits(const Special *special, PyObject *given, double *place)
{
    double value;
    int typed = 0;
    if (PyFloat_CheckExact(given)) {
        value = PyFloat_AS_DOUBLE(given);
    }
    else if (PyLong_CheckExact(given)) {
        value = PyLong_AsDouble(given);
        if (value == -1.0 && PyErr_Occurred()) {
            PyErr_Clear();
            return -1;
        }
    }
    else if (special->type == NPY_DOUBLE && Py_IS_TYPE(given, &PyDoubleArrType_Type)) {
        value = PyArrayScalar_VAL(given, Double);
        typed = 1;
    }
    else if (special->type == NPY_FLOAT && Py_IS_TYPE(given, &PyFloatArrType_Type)) {
        value = PyArrayScalar_VAL(given, Float);
        typed = 1;
    }
    else {
        return -1;
    }
    if (special->type == NPY_DOUBLE) {
        *place = value;
        return typed;
    }
    float narrow = (float)value;
    if (isinf(narrow) && !isinf(value)) {
        return -1; /* NumPy warns of this */
    }
    memcpy(place, &narrow, sizeof narrow);
    return typed;
}

/* Whether the arguments fit, and then where their data are. Python numbers alone are doubles. */
static int
fits(const Special *special, PyObject *const *given, Py_ssize_t count, const void **data,
     double *numbers)
{
    int typed = special->type == NPY_DOUBLE;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (PyArray_Check(given[i])) {
            PyArrayObject *array = (PyArrayObject *)given[i];
            if (!array_fits(special, &special->inputs[i], array)) {
                return 0;
            }
            data[i] = PyArray_DATA(array);
            typed = 1;
        }
        else {
            int has_type =
                special->inputs[i].axes ? -1 : number_fits(special, given[i], &numbers[i]);
            if (has_type < 0) {
                return 0;
            }
            data[i] = &numbers[i];
            typed |= has_type;
        }
    }
    return typed;
}

static const Special *
find(Caller *self, PyObject *const *given, const void **data, double *numbers)
{
    Py_ssize_t inputs = PyTuple_GET_SIZE(self->names);
    if (!self->count) {
        return NULL;
    }
    if (fits(self->specials[self->last], given, inputs, data, numbers)) {
        return self->specials[self->last];
    }
    for (Py_ssize_t i = self->count; i-- > 0;) {
        if (i != self->last && fits(self->specials[i], given, inputs, data, numbers)) {
            self->last = i;
            return self->specials[i];
        }
    }
    return NULL;
}

static int
overlap(const void *a, size_t bytes_a, const void *b, size_t bytes_b)
{
    return bytes_a && bytes_b && (uintptr_t)a < (uintptr_t)b + bytes_b
           && (uintptr_t)b < (uintptr_t)a + bytes_a;
}

static int
output_fits(const Special *special, const Output *output, PyObject *given)
{
    if (!PyArray_Check(given)) {
        return 0;
    }
    PyArrayObject *array = (PyArrayObject *)given;
    if (!of_type(special, array) || !PyArray_CHKFLAGS(array, NPY_ARRAY_CARRAY)) {
        return 0;
    }
    if (output->axes == SCALAR) {
        return PyArray_SIZE(array) == 1;
    }
    return PyArray_NDIM(array) == output->axes
           && PyArray_CompareLists(PyArray_DIMS(array), output->sizes, output->axes);
}

/* Whether outputs share no memory with an input or each other. */
static int
are_apart(const Special *special, Py_ssize_t inputs, const void *const *data, void *const *out)
{
    Py_ssize_t count = special->output_count;
    if (!memcmp(special->apart, data, (size_t)inputs * sizeof *data)
        && !memcmp(special->apart + inputs, out, (size_t)count * sizeof *out)) {
        return 1;
    }
    size_t width = special->type == NPY_DOUBLE ? sizeof(double) : sizeof(float);
    for (Py_ssize_t i = 0; i < count; i++) {
        for (Py_ssize_t k = 0; k < inputs; k++) {
            size_t bytes = width * (size_t)(special->inputs[k].rows * special->inputs[k].columns);
            if (overlap(out[i], special->outputs[i].bytes, data[k], bytes)) {
                return 0;
            }
        }
        for (Py_ssize_t k = 0; k < i; k++) {
            if (overlap(out[i], special->outputs[i].bytes, out[k], special->outputs[k].bytes)) {
                return 0;
            }
        }
    }
    memcpy(special->apart, data, (size_t)inputs * sizeof *data);
    memcpy(special->apart + inputs, out, (size_t)count * sizeof *out);
    return 1;
}

/* Whether results may be written to these arrays, and then where. */
static int
outputs_fit(const Special *special, Py_ssize_t inputs, const void *const *data, PyObject *given,
            void **out)
{
    if (PyTuple_GET_SIZE(given) != special->output_count) {
        return 0;
    }
    for (Py_ssize_t i = 0; i < special->output_count; i++) {
        if (!output_fits(special, &special->outputs[i], PyTuple_GET_ITEM(given, i))) {
            return 0;
        }
        out[i] = PyArray_DATA((PyArrayObject *)PyTuple_GET_ITEM(given, i));
    }
    return are_apart(special, inputs, data, out);
}
