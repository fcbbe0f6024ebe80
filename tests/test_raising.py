"""Derivatives that everybody knows, as a textbook writes them."""

from __future__ import annotations

import re
from textwrap import dedent

import pytest

import diagrad as dg

# What it is: what is differentiated, by what, → the formula; below it the problem.
TEXTBOOK = """
a linear form: a.T @ x by x → a
    x: column[n]; a: column[n]
a quadratic form: x.T @ A @ x by x → (A + A.T) @ x
    x: column[n]; A: matrix[n, n]
a quadratic form in its matrix: x.T @ A @ x by A → x @ x.T
    x: column[n]; A: matrix[n, n]
a symmetric quadratic form: x.T @ A @ x by x → 2 * A @ x
    x: column[n]; A: matrix[n, n] & symmetric
the entries of a symmetric matrix move one by one: x.T @ A @ x by A → x @ x.T
    x: column[n]; A: matrix[n, n] & symmetric
the Hessian of a quadratic form: x.T @ A @ x / 2 by x twice → (A + A.T) / 2
    x: column[n]; A: matrix[n, n]
the Hessian of a symmetric quadratic form: x.T @ A @ x / 2 by x twice → A
    x: column[n]; A: matrix[n, n] & symmetric
conjugate gradients' residual: x.T @ A @ x / 2 - b.T @ x by x → A @ x - b
    x: column[n]; b: column[n]; A: matrix[n, n] & spd
a bilinear form in its matrix: u.T @ A @ v by A → u @ v.T
    u: column[m]; v: column[n]; A: matrix[m, n]
a mixed second derivative: u.T @ A @ v by u and v → A
    u: column[m]; v: column[n]; A: matrix[m, n]
least squares: norm(A @ x - b) ** 2 / 2 by x → A.T @ (A @ x - b)
    A: matrix[m, n]; x: column[n]; b: column[m]
least squares in the matrix: norm(A @ x - b) ** 2 / 2 by A → (A @ x - b) @ x.T
    A: matrix[m, n]; x: column[n]; b: column[m]
the Hessian of least squares: norm(A @ x - b) ** 2 / 2 by x twice → A.T @ A
    A: matrix[m, n]; x: column[n]; b: column[m]
the length of a residual: norm(A @ x - b) by x → A.T @ (A @ x - b) / norm(A @ x - b)
    A: matrix[m, n]; x: column[n]; b: column[m]
the mean squared error: mse(X @ w, y) by w → 2 * X.T @ (X @ w - y) / N
    X: matrix[N, D]; w: column[D]; y: column[N]
weighted least squares: (X@w - y).T @ diag(s) @ (X@w - y) / 2 by w → X.T @ (s * (X @ w - y))
    X: matrix[N, D]; w: column[D]; y: column[N]; s: column[N]
the Hessian of weighted least squares: r.T @ diag(s) @ r / 2 by w twice → X.T @ diag(s) @ X
    X: matrix[N, D]; w: column[D]; y: column[N]; s: column[N]
    r = X @ w - y
ridge regression: norm(r) ** 2 / 2 + c * norm(w) ** 2 / 2 by w → c * w + X.T @ r
    X: matrix[N, D]; w: column[D]; y: column[N]; c: scalar
    r = X @ w - y
the Hessian of ridge regression: norm(r)**2/2 + c*norm(w)**2/2 by w twice → c * eye(D) + X.T @ X
    X: matrix[N, D]; w: column[D]; y: column[N]; c: scalar
    r = X @ w - y
an orthogonal matrix is a rotation: norm(Q @ x - b) ** 2 / 2 by x → Q.T @ (Q @ x - b)
    Q: matrix[n, n] & orthogonal; x: column[n]; b: column[n]
regression with several outputs: norm(X @ W - Y) ** 2 / 2 by W → X.T @ (X @ W - Y)
    X: matrix[N, D]; W: matrix[D, K]; Y: matrix[N, K]
logistic regression: -sum(y * log(p) + (1 - y) * log(1 - p)) by w → X.T @ (p - y)
    X: matrix[N, D]; y: column[N]; w: column[D]
    p = sigmoid(X @ w)
the Hessian of logistic regression: -sum(y*log(p) + (1-y)*log(1-p)) by w twice → \
X.T @ diag(p * (1 - p)) @ X
    X: matrix[N, D]; y: column[N]; w: column[D]
    p = sigmoid(X @ w)
Poisson regression: sum(mu - y * log(mu)) by w → X.T @ (mu - y)
    X: matrix[N, D]; w: column[D]; y: column[N]
    mu = exp(X @ w)
the Hessian of Poisson regression: sum(mu - y * log(mu)) by w twice → X.T @ diag(mu) @ X
    X: matrix[N, D]; w: column[D]; y: column[N]
    mu = exp(X @ w)
softmax regression: cross_entropy(Y, P) / N by W → X.T @ (P - Y) / N
    X: matrix[N, D]; Y: matrix[N, K] & onehot; W: matrix[D, K]; b: row[K]
    P = softmax(X @ W + b)
the bias of softmax regression: cross_entropy(Y, P) by b → sum(P - Y, axis=0)
    X: matrix[N, D]; Y: matrix[N, K] & onehot; W: matrix[D, K]; b: row[K]
    P = softmax(X @ W + b)
cross-entropy by the scores: cross_entropy(y, p) by z → p - y
    z: row[K]; y: row[K] & onehot
    p = softmax(z)
the Hessian of cross-entropy: cross_entropy(y, p) by z twice → diag(p) - p.T @ p
    z: row[K]; y: row[K] & onehot
    p = softmax(z)
cross-entropy of scores: softmax_cross_entropy(y, z) by z → softmax(z) - y
    z: row[K]; y: row[K] & onehot
the Jacobian of softmax: p by z → diag(p) - p.T @ p
    z: row[K]
    p = softmax(z)
the Jacobian of softmax of a column: p by z → diag(p) - p @ p.T
    z: column[K]
    p = softmax(z)
the Jacobian of log-softmax: log_softmax(z) by z → eye(K) - ones(K, 1) @ softmax(z)
    z: row[K]
the gradient of logsumexp: logsumexp(z) by z → softmax(z)
    z: row[K]
the Jacobian of σ: h by x → diag(h * (1 - h))
    x: row[n]
    h = sigmoid(x)
the Jacobian of tanh: h by x → diag(1 - h ** 2)
    x: row[n]
    h = tanh(x)
the Jacobian of relu: relu(x) by x → diag(step(x))
    x: column[n]
the Jacobian of a layer: exp(A @ x) by x → diag(exp(A @ x)) @ A
    x: column[n]; A: matrix[m, n]
the Jacobian of a linear map: A @ x by x → A
    A: matrix[m, n]; x: column[n]
the same transposed: A @ x by x (denominator) → A.T
    A: matrix[m, n]; x: column[n]
the Jacobian of a map of rows: x @ A by x → A.T
    A: matrix[m, n]; x: row[m]
the weights of a row layer: sum(square(h - t)) / 2 by W → x.T @ ((1 - h ** 2) * (h - t))
    x: row[n]; W: matrix[n, m]; b: row[m]; t: row[m]
    h = tanh(x @ W + b)
the input of a row layer: sum(square(h - t)) / 2 by x → ((1 - h ** 2) * (h - t)) @ W.T
    x: row[n]; W: matrix[n, m]; b: row[m]; t: row[m]
    h = tanh(x @ W + b)
what lies behind a definition: sum(square(h - t)) / 2 by h → h - t
    x: row[n]; W: matrix[n, m]; b: row[m]; t: row[m]
    h = tanh(x @ W + b)
the weights of a column layer: sum(square(h - t)) / 2 by W → ((1 - h ** 2) * (h - t)) @ x.T
    x: column[n]; W: matrix[m, n]; b: column[m]; t: column[m]
    h = tanh(W @ x + b)
the weights of a batch: sum(square(H - T)) / 2 by W → X.T @ ((H - T) * (1 - H ** 2))
    X: matrix[N, n]; W: matrix[n, m]; b: row[m]; T: matrix[N, m]
    H = tanh(X @ W + b)
a bias sums over the batch: sum(square(H - T)) / 2 by b → sum((H - T) * (1 - H ** 2), axis=0)
    X: matrix[N, n]; W: matrix[n, m]; b: row[m]; T: matrix[N, m]
    H = tanh(X @ W + b)
and over the columns of a batch: sum(square(H - T)) / 2 by b → sum(step(Z) * (H - T), axis=1)
    X: matrix[n, N]; W: matrix[m, n]; b: column[m]; T: matrix[m, N]
    Z = W @ X + b
    H = relu(Z)
the input of a classifier: cross_entropy(y, yhat) by x → ((yhat - y) @ W2.T * h * (1 - h)) @ W1.T
    x: row[n]; y: row[c] & onehot; W1: matrix[n, m]; W2: matrix[m, c]
    h = sigmoid(x @ W1)
    yhat = softmax(h @ W2)
the last layer of a classifier: cross_entropy(y, yhat) by W2 → h.T @ (yhat - y)
    x: row[n]; y: row[c] & onehot; W1: matrix[n, m]; W2: matrix[m, c]
    h = sigmoid(x @ W1)
    yhat = softmax(h @ W2)
the first layer of a batch: cross_entropy(Y, P) by W → X.T @ ((P - Y) @ V.T * step(X @ W))
    X: matrix[N, n]; Y: matrix[N, c] & onehot; W: matrix[n, m]; V: matrix[m, c]
    P = softmax(relu(X @ W) @ V)
the values of attention: sum(square(o - t)) / 2 by V → a.T @ (o - t)
    q: row[d]; K: matrix[n, d]; V: matrix[n, m]; t: row[m]
    a = softmax(q @ K.T / sqrt(d))
    o = a @ V
the query of attention: sum(square(o - t)) / 2 by q → (a * ((o - t) @ (V - o).T)) @ K / sqrt(d)
    q: row[d]; K: matrix[n, d]; V: matrix[n, m]; t: row[m]
    a = softmax(q @ K.T / sqrt(d))
    o = a @ V
word2vec's centre: -log(s) - sum(log(sigmoid(-(v @ U.T)))) by v → sigmoid(v @ U.T) @ U - (1 - s) * u
    v: row[D]; u: row[D]; U: matrix[K, D]
    s = sigmoid(v @ u.T)
word2vec's negative samples: -sum(log(sigmoid(-(v @ U.T)))) by U → sigmoid(U @ v.T) @ v
    v: row[D]; U: matrix[K, D]
a Gaussian by its mean: -(x - mu).T @ P @ (x - mu) / 2 by mu → P @ (x - mu)
    x: column[n]; mu: column[n]; P: matrix[n, n] & spd
a Gaussian by its mean twice: -(x - mu).T @ P @ (x - mu) / 2 by mu twice → -P
    x: column[n]; mu: column[n]; P: matrix[n, n] & spd
Gaussian observations by their mean: -sum((R @ P) * R) / 2 by mu → sum(R, axis=0) @ P
    X: matrix[N, D]; mu: row[D]; P: matrix[D, D] & spd
    R = X - mu
a length: norm(x) by x → x / norm(x)
    x: column[n]
a sum of absolute values: norm1(x) by x → sign(x)
    x: column[n]
the Frobenius norm: norm(A) by A → A / norm(A)
    A: matrix[m, n]
a trace of three: trace(A @ X @ B) by X → A.T @ B.T
    A: matrix[p, m]; X: matrix[m, n]; B: matrix[n, p]
a trace of three, by columns: trace(A @ X @ B) by X (numerator) → B @ A
    A: matrix[p, m]; X: matrix[m, n]; B: matrix[n, p]
a trace of a quadratic form: trace(X.T @ A @ X) by X → (A + A.T) @ X
    A: matrix[n, n]; X: matrix[n, m]
the trace of a square: trace(X @ X) by X → 2 * X.T
    X: matrix[n, n]
the trace of a symmetric square: trace(X @ X) by X → 2 * X
    X: matrix[n, n] & symmetric
the trace: trace(X) by X → eye(n)
    X: matrix[n, n]
an outer product: sum(outer(u, v) * A) by u → A @ v
    u: column[m]; v: column[n]; A: matrix[m, n]
a factorisation: norm(R - U @ V.T) ** 2 / 2 by U → (U @ V.T - R) @ V
    U: matrix[m, k]; V: matrix[n, k]; R: matrix[m, n]
an activation without a formula: sum(square(g(z) - t)) / 2 by x → (prime(g)(z) * (g(z) - t)) @ W.T
    g: elementwise; x: row[n]; W: matrix[n, m]; t: row[m]
    z = x @ W
its Jacobian: g(x) by x → diag(prime(g)(x))
    g: elementwise; x: row[n]
its Hessian: sum(g(x)) by x twice → diag(prime(prime(g))(x))
    g: elementwise; x: row[n]
a cube: x ** 3 by x → 3 * x ** 2
    x: scalar
a scalar product rule: sin(x) * exp(x) by x → exp(x) * (sin(x) + cos(x))
    x: scalar
a scalar second derivative: log(x) by x twice → -1 / x ** 2
    x: scalar
a scalar mixed derivative: x ** 2 * y by x and y → 2 * x
    x: scalar; y: scalar
a direction: norm(A + t * B) ** 2 by t → 2 * sum(B * (A + t * B))
    t: scalar; A: matrix[m, n]; B: matrix[m, n]
a multiple of a column: t * (A @ x) by t → A @ x
    t: scalar; A: matrix[m, n]; x: column[n]
"""
ENTRY = re.compile(
    r"^(\S.*?): (.+) by (\w+)(?: and (\w+))?( twice)?(?: \((\w+)\))? → (.+)\n((?:    .*\n)+)",
    re.MULTILINE,
)
CASES = {
    name: (dedent(text), of, (x, y) if y else x, 2 if y or twice else 1, layout or "auto", formula)
    for name, of, x, y, twice, layout, formula, text in ENTRY.findall(TEXTBOOK)
}


def test_every_entry_of_the_table_is_read():
    assert len(CASES) == sum(" → " in line for line in TEXTBOOK.splitlines())


@pytest.mark.parametrize("name", CASES)
def test_the_formula_is_that_of_the_textbook(name):
    text, of, wrt, order, layout, formula = CASES[name]
    assert dg.parse(text).derive(of, wrt, order, layout).result.source == formula
