// What a symbol is, and where else it stands. The page is complete without this.
"use strict";
{
  const known = JSON.parse(document.getElementById("symbols").textContent);
  const about = document.getElementById("about");
  const leave = () => {
    about.hidden = true;
    document.querySelectorAll(".here").forEach((e) => e.classList.remove("here"));
  };
  const enter = (event) => {
    const symbol = event.target.closest ? event.target.closest("[data-s]") : null;
    leave();
    if (!symbol) return;
    const key = symbol.dataset ? symbol.dataset.s : symbol.getAttribute("data-s");
    const [name, shape, meaning] = known[key];
    const first = meaning.startsWith(name + " = ") ? meaning : `${name}: ${meaning}`;
    about.textContent = shape ? `${first}   (${shape})` : first;
    about.hidden = false;
    document.querySelectorAll(`[data-s="${key}"]`).forEach((e) => e.classList.add("here"));
  };
  document.addEventListener("mouseover", enter);
  document.addEventListener("focusin", enter);
  document.addEventListener("focusout", leave);
  document.addEventListener("keydown", (event) => event.key === "Escape" && leave());
  window.addEventListener("beforeprint", () => {
    document.querySelectorAll("details").forEach((d) => (d.open = true));
  });
}
