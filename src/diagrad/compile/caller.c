/* The Caller of caller.py, where the interface is described, as a CPython extension: from a Python
   call to a compiled kernel and back in a fraction of a microsecond.

   Invariants. A Special never changes and is freed with its Caller alone, so a kernel may run
   without the GIL while another thread adds one. `spare` changes hands under the GIL only. Inputs
   are held by whoever calls; outputs that a caller passes in are held here. */

#define PY_SSIZE_T_CLEAN
#define NPY_NO_DEPRECATED_API NPY_1_7_API_VERSION
#include <Python.h>
#include <structmember.h>

#include <numpy/arrayobject.h>
#include <numpy/arrayscalars.h>

typedef void (*Kernel)(const void *const *inputs, void *const *outputs, void *workspace);

enum { SCALAR = -1, CACHE_LINE = 64, ON_STACK = 4096, MOST_AXES = 32, MOST_ARRAYS = 4096 };

typedef struct {
    npy_intp rows, columns;
    int axes; /* the fewest that an array may have: 2 matrix, 1 row or column, 0 scalar */
} Input;

typedef struct {
    int axes; /* or SCALAR */
    npy_intp sizes[MOST_AXES];
    size_t bytes;
} Output;

typedef struct {
    int type; /* NPY_DOUBLE or NPY_FLOAT */
    PyArray_Descr *descr;
    Input *inputs;
    Py_ssize_t output_count;
    Output *outputs;
    Kernel kernel;
    size_t workspace;
    int release;
} Special;

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *names, *slow, *slow_into, *weak;
    int *axes; /* of each input; NULL where its sizes decide */
    Py_ssize_t count;
    Special **specials;
    Py_ssize_t last;
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
    if (Py_IS_INFINITY(narrow) && !Py_IS_INFINITY(value)) {
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

static void
give_back(Caller *self, void *block, size_t bytes)
{
    if (bytes <= self->spare_bytes) {
        PyMem_RawFree(block);
        return;
    }
    PyMem_RawFree(self->spare);
    self->spare = block;
    self->spare_bytes = bytes;
}

static void *
take_block(Caller *self, size_t *bytes)
{
    if (self->spare_bytes < *bytes) {
        return PyMem_RawMalloc(*bytes + CACHE_LINE);
    }
    void *block = self->spare;
    *bytes = self->spare_bytes;
    self->spare = NULL;
    self->spare_bytes = 0;
    return block;
}

static int
run(Caller *self, const Special *special, const void *const *data, void *const *out)
{
    _Alignas(CACHE_LINE) char small[ON_STACK];
    void *workspace = small, *block = NULL;
    size_t bytes = special->workspace;
    if (bytes > ON_STACK) {
        block = take_block(self, &bytes);
        if (!block) {
            PyErr_NoMemory();
            return -1;
        }
        workspace = (void *)(((uintptr_t)block + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
    }
    if (special->release) {
        Py_BEGIN_ALLOW_THREADS
        special->kernel(data, out, workspace);
        Py_END_ALLOW_THREADS
    }
    else {
        special->kernel(data, out, workspace);
    }
    if (block) {
        give_back(self, block, bytes);
    }
    return 0;
}

static PyObject *
number(const Special *special, const double *value)
{
    if (special->type == NPY_DOUBLE) {
        PyObject *made = PyArrayScalar_New(Double);
        if (made) {
            PyArrayScalar_VAL(made, Double) = *value;
        }
        return made;
    }
    PyObject *made = PyArrayScalar_New(Float);
    if (made) {
        memcpy(&PyArrayScalar_VAL(made, Float), value, sizeof(float));
    }
    return made;
}

/* The outputs in a tuple. */
static PyObject *
packed(PyObject **made, Py_ssize_t count)
{
    PyObject *result = PyTuple_New(count);
    for (Py_ssize_t i = 0; i < count; i++) {
        if (result) {
            PyTuple_SET_ITEM(result, i, made[i]);
        }
        else {
            Py_DECREF(made[i]);
        }
    }
    return result;
}

static PyObject *
computed(Caller *self, const Special *special, const void *const *data)
{
    Py_ssize_t count = special->output_count;
    PyObject *made[count + 1];
    void *out[count + 1];
    double values[count + 1];
    Py_ssize_t i;
    for (i = 0; i < count; i++) {
        const Output *output = &special->outputs[i];
        made[i] = NULL;
        out[i] = &values[i];
        if (output->axes != SCALAR) {
            Py_INCREF(special->descr);
            made[i] = PyArray_NewFromDescr(&PyArray_Type, special->descr, output->axes,
                                           output->sizes, NULL, NULL, 0, NULL);
            if (!made[i]) {
                goto failed;
            }
            out[i] = PyArray_DATA((PyArrayObject *)made[i]);
        }
    }
    if (run(self, special, data, out) < 0) {
        goto failed;
    }
    for (i = 0; i < count; i++) {
        if (!made[i] && !(made[i] = number(special, &values[i]))) {
            i = count; /* those after it are arrays or still NULL */
            goto failed;
        }
    }
    return packed(made, count);

failed:
    while (i-- > 0) {
        Py_XDECREF(made[i]);
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

/* Whether results may be written to these arrays, and then where. */
static int
outputs_fit(const Special *special, Py_ssize_t inputs, const void *const *data, PyObject *given,
            void **out)
{
    if (PyTuple_GET_SIZE(given) != special->output_count) {
        return 0;
    }
    size_t width = special->type == NPY_DOUBLE ? sizeof(double) : sizeof(float);
    for (Py_ssize_t i = 0; i < special->output_count; i++) {
        const Output *output = &special->outputs[i];
        if (!output_fits(special, output, PyTuple_GET_ITEM(given, i))) {
            return 0;
        }
        out[i] = PyArray_DATA((PyArrayObject *)PyTuple_GET_ITEM(given, i));
        for (Py_ssize_t k = 0; k < inputs; k++) {
            size_t bytes = width * special->inputs[k].rows * special->inputs[k].columns;
            if (overlap(out[i], output->bytes, data[k], bytes)) {
                return 0;
            }
        }
        for (Py_ssize_t k = 0; k < i; k++) {
            if (overlap(out[i], output->bytes, out[k], special->outputs[k].bytes)) {
                return 0;
            }
        }
    }
    return 1;
}

/* slow(args, kwargs), or slow_into(outputs, args, kwargs). */
static PyObject *
slowly(PyObject *slow, PyObject *outputs, PyObject *const *given, Py_ssize_t positional,
       PyObject *keywords)
{
    PyObject *args = NULL, *named = NULL, *result = NULL;
    if (!slow || slow == Py_None) {
        PyErr_SetString(PyExc_TypeError, "the arguments fit no kernel of this Caller");
        return NULL;
    }
    Py_INCREF(slow);
    args = PyTuple_New(positional);
    named = PyDict_New();
    if (!args || !named) {
        goto done;
    }
    for (Py_ssize_t i = 0; i < positional; i++) {
        PyTuple_SET_ITEM(args, i, Py_NewRef(given[i]));
    }
    for (Py_ssize_t k = 0; keywords && k < PyTuple_GET_SIZE(keywords); k++) {
        if (PyDict_SetItem(named, PyTuple_GET_ITEM(keywords, k), given[positional + k]) < 0) {
            goto done;
        }
    }
    result = outputs ? PyObject_CallFunctionObjArgs(slow, outputs, args, named, NULL)
                     : PyObject_CallFunctionObjArgs(slow, args, named, NULL);
done:
    Py_DECREF(slow);
    Py_XDECREF(args);
    Py_XDECREF(named);
    return result;
}

static int
ready(const Caller *self)
{
    if (!self->names) {
        PyErr_SetString(PyExc_TypeError, "Caller.__init__ was not called");
    }
    return self->names != NULL;
}

static PyObject *
caller_vectorcall(PyObject *callable, PyObject *const *given, size_t flagged, PyObject *keywords)
{
    Caller *self = (Caller *)callable;
    Py_ssize_t positional = PyVectorcall_NARGS(flagged);
    if (!ready(self)) {
        return NULL;
    }
    Py_ssize_t room = PyTuple_GET_SIZE(self->names) + 1;
    PyObject *bound[room];
    const void *data[room];
    double numbers[room];
    PyObject *const *ordered = bind(self, given, positional, keywords, bound);
    const Special *special = ordered ? find(self, ordered, data, numbers) : NULL;
    if (special) {
        return computed(self, special, data);
    }
    return slowly(self->slow, NULL, given, positional, keywords);
}

static PyObject *
caller_into(Caller *self, PyObject *const *given, Py_ssize_t positional, PyObject *keywords)
{
    if (!ready(self)) {
        return NULL;
    }
    if (positional < 1) {
        PyErr_SetString(PyExc_TypeError, "into() takes the arrays to write to first");
        return NULL;
    }
    Py_ssize_t inputs = PyTuple_GET_SIZE(self->names);
    PyObject *bound[inputs + 1];
    const void *data[inputs + 1];
    double numbers[inputs + 1];
    PyObject *const *ordered = bind(self, given + 1, positional - 1, keywords, bound);
    const Special *special = ordered ? find(self, ordered, data, numbers) : NULL;
    if (special && (PyTuple_Check(given[0]) || PyList_Check(given[0]))) {
        PyObject *held = PySequence_Tuple(given[0]);
        void *out[special->output_count + 1];
        if (!held) {
            return NULL;
        }
        if (outputs_fit(special, inputs, data, held, out)) {
            int failed = run(self, special, data, out) < 0;
            Py_DECREF(held);
            return failed ? NULL : Py_NewRef(Py_None);
        }
        Py_DECREF(held);
    }
    PyObject *result = slowly(self->slow_into, given[0], given + 1, positional - 1, keywords);
    Py_XDECREF(result);
    return result ? Py_NewRef(Py_None) : NULL;
}

static void
special_free(Special *special)
{
    if (special) {
        Py_XDECREF(special->descr);
        PyMem_Free(special->inputs);
        PyMem_Free(special->outputs);
        PyMem_Free(special);
    }
}

static npy_intp
size_from(PyObject *given)
{
    Py_ssize_t size = PyLong_AsSsize_t(given);
    if (size < 0 && !PyErr_Occurred()) {
        PyErr_SetString(PyExc_ValueError, "a size is negative");
    }
    return size;
}

static int
read_input(const Caller *self, Py_ssize_t at, PyObject *shape, Input *input)
{
    if (!PyTuple_Check(shape) || PyTuple_GET_SIZE(shape) != 2) {
        PyErr_SetString(PyExc_ValueError, "the shape of an input is (rows, columns)");
        return -1;
    }
    input->rows = size_from(PyTuple_GET_ITEM(shape, 0));
    input->columns = input->rows < 0 ? -1 : size_from(PyTuple_GET_ITEM(shape, 1));
    if (input->columns < 0) {
        return -1;
    }
    int by_sizes = (input->rows != 1) + (input->columns != 1);
    input->axes = self->axes ? self->axes[at] : by_sizes;
    if (input->axes < by_sizes) {
        PyErr_SetString(PyExc_ValueError, "an input has more axes than its Caller was told");
        return -1;
    }
    return 0;
}

static int
read_output(PyObject *shape, size_t width, Output *output)
{
    output->bytes = width;
    output->axes = SCALAR;
    if (shape == Py_None) {
        return 0;
    }
    if (!PyTuple_Check(shape) || PyTuple_GET_SIZE(shape) > MOST_AXES) {
        PyErr_SetString(PyExc_ValueError, "the shape of an output is None or at most 32 sizes");
        return -1;
    }
    output->axes = (int)PyTuple_GET_SIZE(shape);
    for (int i = 0; i < output->axes; i++) {
        output->sizes[i] = size_from(PyTuple_GET_ITEM(shape, i));
        if (output->sizes[i] < 0) {
            return -1;
        }
        output->bytes *= (size_t)output->sizes[i];
    }
    return 0;
}

static Special *
special_new(const Caller *self, int type, PyObject *shapes, PyObject *outputs)
{
    Py_ssize_t inputs = PyTuple_GET_SIZE(self->names), count = PyTuple_GET_SIZE(outputs);
    if (PyTuple_GET_SIZE(shapes) != inputs || count > MOST_ARRAYS) {
        PyErr_SetString(PyExc_ValueError, "every input has one shape; outputs are 4096 at most");
        return NULL;
    }
    Special *special = PyMem_Calloc(1, sizeof *special);
    if (!special) {
        PyErr_NoMemory();
        return NULL;
    }
    special->type = type;
    special->output_count = count;
    special->descr = PyArray_DescrFromType(type);
    special->inputs = PyMem_Calloc(inputs + 1, sizeof(Input));
    special->outputs = PyMem_Calloc(count + 1, sizeof(Output));
    if (!special->descr || !special->inputs || !special->outputs) {
        PyErr_NoMemory();
        goto failed;
    }
    for (Py_ssize_t i = 0; i < inputs; i++) {
        if (read_input(self, i, PyTuple_GET_ITEM(shapes, i), &special->inputs[i]) < 0) {
            goto failed;
        }
    }
    size_t width = type == NPY_DOUBLE ? sizeof(double) : sizeof(float);
    for (Py_ssize_t i = 0; i < count; i++) {
        if (read_output(PyTuple_GET_ITEM(outputs, i), width, &special->outputs[i]) < 0) {
            goto failed;
        }
    }
    return special;

failed:
    special_free(special);
    return NULL;
}

static int
append(Caller *self, Special *special)
{
    size_t bytes = (size_t)(self->count + 1) * sizeof(Special *);
    Special **grown = PyMem_Realloc(self->specials, bytes);
    if (!grown) {
        PyErr_NoMemory();
        return -1;
    }
    self->specials = grown;
    self->specials[self->count] = special;
    self->last = self->count++;
    return 0;
}

static PyObject *
caller_add(Caller *self, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"dtype",     "shapes",  "outputs", "kernel",
                            "workspace", "release", NULL};
    const char *dtype;
    PyObject *shapes, *outputs, *kernel;
    Py_ssize_t workspace = 0;
    int release = 0;
    if (!ready(self)
        || !PyArg_ParseTupleAndKeywords(args, keywords, "sO!O!O!|np:add", names, &dtype,
                                        &PyTuple_Type, &shapes, &PyTuple_Type, &outputs,
                                        &PyLong_Type, &kernel, &workspace, &release)) {
        return NULL;
    }
    void *address = PyLong_AsVoidPtr(kernel);
    if (!address && PyErr_Occurred()) {
        return NULL;
    }
    int narrow = !strcmp(dtype, "f");
    if ((!narrow && strcmp(dtype, "d")) || !address || workspace < 0) {
        PyErr_SetString(PyExc_ValueError,
                        "a kernel has dtype \"d\" or \"f\", an address and a workspace of 0 or more");
        return NULL;
    }
    Special *special = special_new(self, narrow ? NPY_FLOAT : NPY_DOUBLE, shapes, outputs);
    if (!special) {
        return NULL;
    }
    special->kernel = (Kernel)(uintptr_t)address;
    special->workspace = (size_t)workspace;
    special->release = release;
    if (append(self, special) < 0) {
        special_free(special);
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *
caller_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    (void)args, (void)keywords;
#if PY_VERSION_HEX < 0x030C0000
    /* From 3.12 on a subclass in Python inherits this. */
    if (type->tp_call == PyVectorcall_Call) {
        type->tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL;
    }
#endif
    Caller *self = (Caller *)type->tp_alloc(type, 0);
    if (self) {
        self->vectorcall = caller_vectorcall;
    }
    return (PyObject *)self;
}

static int *
read_axes(PyObject *given, Py_ssize_t count)
{
    if (!PyTuple_Check(given) || PyTuple_GET_SIZE(given) != count) {
        PyErr_SetString(PyExc_ValueError, "axes has one number for each input");
        return NULL;
    }
    int *axes = PyMem_Calloc(count + 1, sizeof(int));
    if (!axes) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        long number = PyLong_AsLong(PyTuple_GET_ITEM(given, i));
        if (number < 0 || number > 2) {
            PyMem_Free(axes);
            if (!PyErr_Occurred()) {
                PyErr_SetString(PyExc_ValueError, "an input has 0, 1 or 2 axes");
            }
            return NULL;
        }
        axes[i] = (int)number;
    }
    return axes;
}

/* The names as a tuple of interned strings, so that most keywords are found by their address. */
static PyObject *
interned(PyObject *given)
{
    PyObject *names = PySequence_Tuple(given);
    if (!names || PyTuple_GET_SIZE(names) > MOST_ARRAYS) {
        Py_XDECREF(names);
        PyErr_SetString(PyExc_ValueError, "inputs are at most 4096 names");
        return NULL;
    }
    PyObject *result = PyTuple_New(PyTuple_GET_SIZE(names));
    for (Py_ssize_t i = 0; result && i < PyTuple_GET_SIZE(names); i++) {
        PyObject *name = PyTuple_GET_ITEM(names, i);
        if (!PyUnicode_CheckExact(name)) {
            PyErr_SetString(PyExc_TypeError, "a name is a str");
            Py_CLEAR(result);
            break;
        }
        Py_INCREF(name);
        PyUnicode_InternInPlace(&name);
        PyTuple_SET_ITEM(result, i, name);
    }
    Py_DECREF(names);
    return result;
}

static int
caller_init(Caller *self, PyObject *args, PyObject *keywords)
{
    static char *accepted[] = {"inputs", "slow", "slow_into", "axes", NULL};
    PyObject *inputs, *slow, *slow_into = Py_None, *axes = Py_None;
    if (self->names) {
        PyErr_SetString(PyExc_TypeError, "Caller.__init__ was called already");
        return -1;
    }
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OO|OO:Caller", accepted, &inputs, &slow,
                                     &slow_into, &axes)) {
        return -1;
    }
    PyObject *names = interned(inputs);
    if (!names) {
        return -1;
    }
    if (axes != Py_None && !(self->axes = read_axes(axes, PyTuple_GET_SIZE(names)))) {
        Py_DECREF(names);
        return -1;
    }
    self->names = names;
    self->slow = Py_NewRef(slow);
    self->slow_into = Py_NewRef(slow_into);
    return 0;
}

static int
caller_traverse(Caller *self, visitproc visit, void *arg)
{
    Py_VISIT(self->names);
    Py_VISIT(self->slow);
    Py_VISIT(self->slow_into);
    return 0;
}

/* Names stay: a Caller without them counts as not initialised, and strings form no cycles. */
static int
caller_clear(Caller *self)
{
    Py_CLEAR(self->slow);
    Py_CLEAR(self->slow_into);
    return 0;
}

static void
caller_dealloc(Caller *self)
{
    PyObject_GC_UnTrack(self);
    if (self->weak) {
        PyObject_ClearWeakRefs((PyObject *)self);
    }
    caller_clear(self);
    Py_CLEAR(self->names);
    for (Py_ssize_t i = 0; i < self->count; i++) {
        special_free(self->specials[i]);
    }
    PyMem_Free(self->specials);
    PyMem_Free(self->axes);
    PyMem_RawFree(self->spare);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyMethodDef caller_methods[] = {
    {"add", (PyCFunction)(void (*)(void))caller_add, METH_VARARGS | METH_KEYWORDS,
     "add($self, dtype, shapes, outputs, kernel, workspace=0, release=False)\n--\n\n"
     "A kernel for inputs of these shapes."},
    {"into", (PyCFunction)(void (*)(void))caller_into, METH_FASTCALL | METH_KEYWORDS,
     "into($self, outputs, /, *args, **kwargs)\n--\n\nWrites the results to these arrays."},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef caller_members[] = {
    {"inputs", T_OBJECT, offsetof(Caller, names), READONLY, "The names of the inputs, in order."},
    {NULL, 0, 0, 0, NULL},
};

static PyTypeObject CallerType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "diagrad.compile.Caller",
    .tp_doc = "Runs compiled kernels on arrays; diagrad.compile.caller describes it.",
    .tp_basicsize = sizeof(Caller),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC
                | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_vectorcall_offset = offsetof(Caller, vectorcall),
    .tp_weaklistoffset = offsetof(Caller, weak),
    .tp_call = PyVectorcall_Call,
    .tp_new = caller_new,
    .tp_init = (initproc)caller_init,
    .tp_dealloc = (destructor)caller_dealloc,
    .tp_traverse = (traverseproc)caller_traverse,
    .tp_clear = (inquiry)caller_clear,
    .tp_methods = caller_methods,
    .tp_members = caller_members,
};

static int
module_exec(PyObject *module)
{
    import_array1(-1);
    if (PyType_Ready(&CallerType) < 0) {
        return -1;
    }
    return PyModule_AddObjectRef(module, "Caller", (PyObject *)&CallerType);
}

static PyModuleDef_Slot module_slots[] = {{Py_mod_exec, module_exec}, {0, NULL}};

static PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_caller",
    .m_slots = module_slots,
};

PyMODINIT_FUNC
PyInit__caller(void)
{
    return PyModuleDef_Init(&module_definition);
}
