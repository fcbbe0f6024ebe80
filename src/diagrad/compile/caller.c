/* Kernels that are added, and the type and module that Python sees. */

static void
special_free(Special *special)
{
    if (special) {
        Py_XDECREF(special->descr);
        for (Py_ssize_t i = 0; special->outputs && i < special->output_count; i++) {
            Py_XDECREF(special->outputs[i].spare);
        }
        PyMem_Free(special->inputs);
        PyMem_Free(special->outputs);
        PyMem_Free(special->apart);
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
    special->inputs = PyMem_Calloc((size_t)inputs + 1, sizeof(Input));
    special->outputs = PyMem_Calloc((size_t)count + 1, sizeof(Output));
    special->apart = PyMem_Calloc((size_t)(inputs + count) + 1, sizeof(void *));
    if (!special->descr || !special->inputs || !special->outputs || !special->apart) {
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
        special->large += special->outputs[i].bytes > SMALL ? special->outputs[i].bytes : 0;
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

/* The outputs at these places are 0 everywhere when the kernel begins. */
static int
mark_zeroed(Special *special, PyObject *places)
{
    for (Py_ssize_t i = 0; places && i < PyTuple_GET_SIZE(places); i++) {
        Py_ssize_t place = PyLong_AsSsize_t(PyTuple_GET_ITEM(places, i));
        if (place == -1 && PyErr_Occurred()) {
            return -1;
        }
        if (place < 0 || place >= special->output_count
            || special->outputs[place].axes == SCALAR) {
            PyErr_SetString(PyExc_ValueError, "zeroed has places of outputs that are arrays");
            return -1;
        }
        special->outputs[place].zeroed = 1;
    }
    return 0;
}

static PyObject *
caller_add(Caller *self, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"dtype",     "shapes",  "outputs", "kernel",
                            "workspace", "release", "zeroed",  NULL};
    const char *dtype;
    PyObject *shapes, *outputs, *kernel, *zeroed = NULL;
    Py_ssize_t workspace = 0;
    int release = 0;
    if (!ready(self)
        || !PyArg_ParseTupleAndKeywords(args, keywords, "sO!O!O!|npO!:add", names, &dtype,
                                        &PyTuple_Type, &shapes, &PyTuple_Type, &outputs,
                                        &PyLong_Type, &kernel, &workspace, &release,
                                        &PyTuple_Type, &zeroed)) {
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
    if (mark_zeroed(special, zeroed) < 0 || append(self, special) < 0) {
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
    int *axes = PyMem_Calloc((size_t)count + 1, sizeof(int));
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
    if (!names) {
        return NULL;
    }
    if (PyTuple_GET_SIZE(names) > MOST_ARRAYS) {
        Py_DECREF(names);
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
     "add($self, dtype, shapes, outputs, kernel, workspace=0, release=False, zeroed=())\n--\n\n"
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
