// What a symbol is, and where else it stands; which dimensions of a product meet. The page is
// complete without this.
"use strict";
{
  const known = JSON.parse(document.getElementById("symbols").textContent);
  const about = document.getElementById("about");
  const marks = ["here", "meets", "stays"];
  const mark = (elements, as) => elements.forEach((e) => e.classList.add(as));
  const written = (e) => {
    const key = e.getAttribute("data-s");
    if (key) return known[key][0];
    return e.children.length ? [...e.children].map(written).join("") : e.textContent;
  };

  const symbol = (target) => {
    const found = target.closest("[data-s]");
    if (!found) return [];
    const key = found.getAttribute("data-s");
    mark(document.querySelectorAll(`[data-s="${key}"]`), "here");
    const [name, shape, meaning] = known[key];
    const first = meaning.startsWith(name + " = ") ? meaning : `${name}: ${meaning}`;
    return [shape ? `${first}   (${shape})` : first];
  };

  // What stands in a row with a factor; a long row has several `math` elements.
  const row = (factor) => {
    const whole = factor.closest(".equations > *");
    const top = factor.closest("math").firstElementChild;
    if (!whole || (factor !== top && factor.parentElement !== top))
      return [...factor.parentElement.children];
    return [...whole.querySelectorAll(":scope > math, :scope > .term > math")].flatMap(
      ({ firstElementChild: e }) => (e.localName === "mrow" ? [...e.children] : [e]),
    );
  };
  // The factors that stand with this one in a product of matrices.
  const product = (factor) => {
    const isFactor = (e) => e.classList.contains("factor");
    const follows = (e) => isFactor(e) || /^[\u2062·⋅\s]*$/.test(e.textContent);
    const beside = row(factor);
    let first = beside.indexOf(factor);
    let end = first + 1;
    while (first > 0 && follows(beside[first - 1])) first--;
    while (end < beside.length && follows(beside[end])) end++;
    return beside.slice(first, end).filter(isFactor);
  };
  // The elements of the two sizes in the shape of a factor.
  const sizes = (factor) => {
    const parts = [...factor.lastElementChild.children];
    const at = parts.findIndex((e) => e.textContent === "×");
    return [parts.slice(0, at), parts.slice(at + 1)];
  };
  const said = (elements) => elements.map(written).join("");
  // Strikes out the sizes that meet, and says so.
  const cancel = (factors) => {
    const shapes = factors.map(sizes);
    const pairs = shapes.slice(1).map(([rows], k) => [shapes[k][1], rows]);
    if (!pairs.length || pairs.some(([left, right]) => said(left) !== said(right))) return [];
    const left = [shapes[0][0], shapes.at(-1)[1]];
    pairs.flat().forEach((size) => mark(size, "meets"));
    left.forEach((size) => mark(size, "stays"));
    const value = left.map(said).join("×");
    markValue(factors[0].closest(".equations > .right"), value);
    const whole = shapes.map((shape) => `(${shape.map(said).join("×")})`).join("");
    const met = pairs.map(([size]) => `${said(size)} meets ${said(size)}`).join(", ");
    return [`${whole} = ${value}: ${met}, and ${value} is left`];
  };
  // The shape beside an equation belongs to each of its sides.
  const markValue = (right, value) => {
    let beside = right && right.nextElementSibling;
    while (beside && !(beside.matches(".size") && beside.textContent))
      beside = beside.previousElementSibling;
    const shape = beside && beside.querySelector("math");
    if (shape && written(shape) === value) mark([shape], "stays");
  };
  const within = (element) => {
    const seen = new Set();
    const lines = new Set();
    element.querySelectorAll(".factor").forEach((factor) => {
      if (seen.has(factor)) return;
      const factors = product(factor);
      factors.forEach((f) => seen.add(f));
      cancel(factors).forEach((line) => lines.add(line));
    });
    return [...lines].slice(0, 4);
  };
  const products = (target, focused) => {
    const factor = target.closest(".factor");
    if (factor) return cancel(product(factor));
    const beside = target.closest(".size");
    if (beside) return within(beside.previousElementSibling);
    return focused && target.matches(".equations") ? within(target) : [];
  };

  const leave = () => {
    about.hidden = true;
    marks.forEach((as) => {
      document.querySelectorAll(`.${as}`).forEach((e) => e.classList.remove(as));
    });
  };
  const enter = (event) => {
    const target = event.target;
    if (!target.closest) return;
    leave();
    const lines = [...symbol(target), ...products(target, event.type === "focusin")];
    about.replaceChildren(
      ...lines.map((line) => Object.assign(document.createElement("p"), { textContent: line })),
    );
    about.hidden = !lines.length;
  };
  document.addEventListener("mouseover", enter);
  document.addEventListener("focusin", enter);
  document.addEventListener("focusout", leave);
  document.addEventListener("keydown", (event) => event.key === "Escape" && leave());
  window.addEventListener("beforeprint", () => {
    document.querySelectorAll("details").forEach((d) => (d.open = true));
  });
}
