"""Expressions as courses and papers write them: layers, losses, attention, quadratic forms."""

from .growth import grow, leaf, positive
from .pieces import (
    PRODUCT,
    SCALAR,
    SUM,
    Piece,
    Shape,
    call,
    matmul,
    negative,
    power,
    product,
    size,
    total,
    transpose,
    words,
)
from .scope import Scope

ACTIVATIONS = words("sigmoid tanh relu softplus gelu silu sin")


def layer(s: Scope, a: Piece, shape: Shape) -> tuple[Piece, Shape]:
    """One layer, `a @ W + b` for rows and batches, `W @ a + b` for columns, often activated."""
    k = s.dimension(unlike=shape[0] if shape[1] == "1" else shape[1])
    if shape[1] == "1":
        z, out = matmul(leaf(s, (k, shape[0])), a), (k, "1")
        bias: Shape = (k, "1")
    else:
        z, out = matmul(a, leaf(s, (shape[1], k))), (shape[0], k)
        bias = ("1", k)
    if s.rng.random() < 0.6:
        z = total(z, leaf(s, bias))
    if s.rng.random() < 0.3:
        z = s.define(z, out)
    way = s.rng.randrange(8)
    if way == 0:
        return z, out
    if way == 1 and out == shape:
        return total(a, call(s.rng.choice(ACTIVATIONS), z)), out
    if way == 2:
        return call("softmax", z), out
    if way == 3:
        return call(s.function(), z), out
    return call(s.rng.choice(ACTIVATIONS), z), out


def network(s: Scope) -> tuple[Piece, Shape]:
    shape = s.shape(s.rng.choice(["row", "row", "column", "matrix"]))
    piece = leaf(s, shape)
    for _ in range(s.rng.choice([1, 1, 2])):
        piece, shape = layer(s, piece, shape)
        if s.rng.random() < 0.75:
            piece = s.define(piece, shape)
    if s.rng.random() < 0.2:
        piece = normalised(s, piece, shape)
    return piece, shape


def normalised(s: Scope, z: Piece, shape: Shape) -> Piece:
    """Layer normalisation, or a division by the norm, along the axis that suits the shape."""
    axis = [f"axis={0 if shape[1] == '1' else 1}"]
    z = s.define(z, shape) if z.level < 4 else z
    if s.rng.random() < 0.4:
        return product(z, call("norm", z, *axis), "/")
    centred = s.define(total(z, call("mean", z, *axis), "-"), shape)
    spread = call("mean", power(centred, "2"), *axis)
    return product(centred, call("sqrt", total(spread, Piece("0.1"))), "/")


def attention(s: Scope) -> tuple[Piece, Shape]:
    n, d, m, v = (s.dimension() for _ in range(4))
    scores = matmul(leaf(s, (n, d)), transpose(leaf(s, (m, d))))
    if s.rng.random() < 0.7:
        scores = product(scores, call("sqrt", d), "/")
    weights = s.define(call("softmax", scores), (n, m))
    return matmul(weights, leaf(s, (m, v))), (n, v)


def loss(s: Scope, z: Piece, shape: Shape) -> Piece:
    """A scalar loss of the output `z`."""
    if shape == SCALAR:
        return power(total(z, another(s, z, SCALAR), "-"), "2")
    count = size(next(n for n in reversed(shape) if n != "1"))
    ways = [squared_error, likelihood, classification, margin, plain]
    piece = s.rng.choice(ways)(s, z, shape)
    if s.rng.random() < 0.2:
        piece = product(piece, count, "/")
    if s.rng.random() < 0.25:
        piece = total(piece, penalty(s))
    return piece


def another(s: Scope, z: Piece, shape: Shape) -> Piece:
    """Something to compare `z` with that is not `z` itself."""
    for _ in range(4):
        piece = leaf(s, shape)
        if piece != z:
            return piece
    return s.declare(shape)


def squared_error(s: Scope, z: Piece, shape: Shape) -> Piece:
    residual = total(z, another(s, z, shape), "-")
    way = s.rng.randrange(4)
    if way == 0:
        return product(power(call("norm", residual), "2"), Piece("2"), "/")
    if way == 1:
        return product(Piece("0.5"), call("sum", power(residual, "2")))
    if way == 2:
        return call("mse", z, another(s, z, shape))
    return call("mean", power(residual, "2"))


def classification(s: Scope, z: Piece, shape: Shape) -> Piece:
    labels = s.declare(shape, frozenset({s.rng.choice(["onehot", "simplex"])}))
    way = s.rng.randrange(4)
    if way == 0:
        return call("softmax_cross_entropy", labels, z)
    if way == 1:
        return call("cross_entropy", labels, call("softmax", z))
    if way == 2:
        return negative(call("sum", product(labels, call("log_softmax", z))))
    probabilities = s.define(call("softmax", z), shape, positive=True)
    return negative(call("sum", product(labels, call("log", probabilities))))


def likelihood(s: Scope, z: Piece, shape: Shape) -> Piece:
    """Bernoulli, Poisson or Gaussian with a scale, as negative log-likelihoods."""
    way = s.rng.randrange(3)
    if way == 0:
        y, p = leaf(s, shape), s.define(call("sigmoid", z), shape, positive=True)
        hit = product(y, call("log", p))
        miss = Piece(f"(1 - {y.at(PRODUCT)}) * log(1 - {p.at(PRODUCT)})", PRODUCT)
        return negative(call("sum", total(hit, miss)))
    if way == 1:
        rate = call("exp", product(Piece("0.3"), z))
        return call("sum", total(rate, product(leaf(s, shape), z), "-"))
    sigma = s.declare(SCALAR, frozenset({"positive"}))
    error = power(total(z, another(s, z, shape), "-"), "2")
    scale = Piece(f"2 * {sigma.text} ** 2", PRODUCT)
    return total(product(call("sum", error), scale, "/"), call("log", sigma))


def margin(s: Scope, z: Piece, shape: Shape) -> Piece:
    """Logistic and hinge losses with labels of ±1."""
    y = s.declare(shape, frozenset({"pm1"}))
    score = product(y, z)
    way = s.rng.randrange(3)
    if way == 0:
        return call("sum", call("log", Piece(f"1 + exp(-{score.at(PRODUCT + 1)})", SUM)))
    if way == 1:
        return call("mean", call("softplus", negative(score)))
    return call("sum", call("maximum", "0", total(Piece("1"), score, "-")))


def plain(s: Scope, z: Piece, shape: Shape) -> Piece:
    return call(s.rng.choice(["sum", "mean", "norm", "logsumexp", "norm1"]), z)


def penalty(s: Scope) -> Piece:
    """A regulariser of a variable there is."""
    arrays = [n for n in s.variables if n.shape != SCALAR]
    weight = leaf(s, SCALAR) if s.rng.random() < 0.5 else s.number()
    norm = call(s.rng.choice(["norm", "norm1"]), s.rng.choice(arrays).name) if arrays else weight
    return product(weight, power(norm, "2") if s.rng.random() < 0.7 else norm)


def classic(s: Scope) -> tuple[Piece, Shape]:
    """A textbook scalar: quadratic forms, least squares, traces, cosines, free energies."""
    n, m = s.dimension(), s.dimension()
    x = leaf(s, (n, "1"))
    y = another(s, x, (n, "1"))
    square = leaf(s, (n, n))
    way = s.rng.randrange(7)
    if way == 0:
        piece = matmul(matmul(transpose(x), square), y if s.rng.random() < 0.4 else x)
        piece = total(product(Piece("0.5"), piece), matmul(transpose(y), x), "-")
    elif way == 1:
        error = total(matmul(leaf(s, (m, n)), x), leaf(s, (m, "1")), "-")
        piece = power(call("norm", s.define(error, (m, "1"))), "2")
    elif way == 2:
        piece = call("trace", matmul(matmul(leaf(s, (m, n)), square), transpose(leaf(s, (m, n)))))
    elif way == 3:
        piece = product(matmul(transpose(x), y), product(call("norm", x), call("norm", y)), "/")
    elif way == 4:
        piece = call("logsumexp", matmul(leaf(s, (m, n)), x))
    elif way == 5:
        p = s.define(call("softmax", x), (n, "1"), positive=True)
        piece = call("sum", product(p, total(call("log", p), y, "-")))
    else:
        residual = total(leaf(s, (m, n)), matmul(leaf(s, (m, n)), square), "-")
        piece = product(power(call("norm", residual), "2"), positive(s, SCALAR, 1), "/")
    if s.rng.random() < 0.35:
        piece = call(s.rng.choice(["tanh", "sigmoid", "log1p", "exp"]), bounded_or_square(s, piece))
    return piece, SCALAR


def bounded_or_square(s: Scope, piece: Piece) -> Piece:
    """An argument that suits log1p and exp alike."""
    return power(call("tanh", piece), "2") if s.rng.random() < 0.5 else call("sigmoid", piece)


def junk(s: Scope) -> tuple[Piece, Shape]:
    """Random structure with random definitions on the way."""
    for _ in range(s.rng.choice([0, 0, 1, 2, 3])):
        shape = s.shape(s.rng.choice(["scalar", "row", "column", "matrix", "square"]))
        s.fuel = 9
        if s.rng.random() < 0.25:
            s.define(positive(s, shape, 2), shape, positive=True)
        else:
            s.define(grow(s, shape, 2), shape)
    s.fuel = 14
    shape = s.shape(s.rng.choice(["scalar", "scalar", "scalar", "row", "column", "matrix"]))
    return grow(s, shape, s.rng.choice([2, 3, 3])), shape
