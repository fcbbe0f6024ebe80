/* One call: bound, computed by the kernel that fits, or left to slow. */

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

/* An array for an output: the last one where its user has let go of it, as if it had been freed and
   allocated anew; where it begins with zeros, writing them again is quicker than new pages are. */
static PyObject *
allocated(const Special *special, Output *output)
{
    PyObject *spare = output->spare;
    if (spare && Py_REFCNT(spare) == 1) {
        output->spare = NULL;
        int watched = ((PyArrayObject_fields *)spare)->weakreflist != NULL;
        if (!watched && output_fits(special, output, spare)) {
            if (output->zeroed) {
                memset(PyArray_DATA((PyArrayObject *)spare), 0, output->bytes);
            }
            return spare;
        }
        Py_DECREF(spare);
    }
    Py_INCREF(special->descr);
    return output->zeroed ? PyArray_Zeros(output->axes, output->sizes, special->descr, 0)
                          : PyArray_NewFromDescr(&PyArray_Type, special->descr, output->axes,
                                                 output->sizes, NULL, NULL, 0, NULL);
}

/* Keeps results in sight: small ones, and of the kernel that ran last large ones too, up to a
   limit for all together. */
static void
remembered(Caller *self, const Special *special, PyObject **made)
{
    const Special *before = self->holder;
    self->holder = special;
    for (Py_ssize_t i = 0; before && before != special && i < before->output_count; i++) {
        if (before->outputs[i].bytes > SMALL) {
            Py_CLEAR(before->outputs[i].spare);
        }
    }
    for (Py_ssize_t i = 0; i < special->output_count; i++) {
        Output *output = &special->outputs[i];
        int kept = output->bytes <= SMALL || special->large <= MOST_SPARE;
        if (output->axes != SCALAR && kept) {
            Py_INCREF(made[i]);
            Py_XSETREF(output->spare, made[i]);
        }
    }
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
            made[i] = allocated(special, &special->outputs[i]);
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
    remembered(self, special, made);
    return packed(made, count);

failed:
    while (i-- > 0) {
        Py_XDECREF(made[i]);
    }
    return NULL;
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
            for (Py_ssize_t i = 0; i < special->output_count; i++) {
                if (special->outputs[i].zeroed) {
                    memset(out[i], 0, special->outputs[i].bytes);
                }
            }
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
