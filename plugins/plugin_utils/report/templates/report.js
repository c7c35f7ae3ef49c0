/* SPDX-License-Identifier: GPL-3.0-or-later
   SPDX-FileCopyrightText: The workshop.production_patterns authors */
"use strict";
(() => {
  // What a link leads to is opened, wherever it is folded.
  const open = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let node = target; node; node = node.parentElement) if (node.tagName === "DETAILS") node.open = true;
    if (target) target.scrollIntoView();
  };
  addEventListener("hashchange", open);
  open();

  const folded = [];
  addEventListener("beforeprint", () => {
    for (const node of document.querySelectorAll(".evidence details:not([open])")) { node.open = true; folded.push(node); }
  });
  addEventListener("afterprint", () => { for (const node of folded.splice(0)) node.open = false; });

  for (const code of document.querySelectorAll("pre.code")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      // Of a console what is typed, and not what is answered.
      const lines = code.textContent.split("\n");
      const typed = [];
      let goes = false;
      for (const line of lines) {
        if (line.startsWith("$ ")) { typed.push(line.slice(2)); goes = line.endsWith("\\"); }
        else if (goes) { typed.push(line); goes = line.endsWith("\\"); }
      }
      try {
        await navigator.clipboard.writeText(typed.length ? typed.join("\n") + "\n" : code.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(code);
        button.textContent = "Selected";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    const box = document.createElement("div");
    box.className = "codebox";
    code.replaceWith(box);
    box.append(code, button);
  }

  const search = document.getElementById("search");
  if (!search) return;
  const items = [...document.querySelectorAll("#list > li")];
  const texts = items.map((item) => (item.textContent + " " + item.dataset.text).toLowerCase());
  const found = document.getElementById("found");
  search.disabled = false;
  search.addEventListener("input", () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    items.forEach((item, index) => {
      item.hidden = !words.every((word) => texts[index].includes(word));
      if (!item.hidden) count += 1;
    });
    found.textContent = words.length ? `${count} of ${items.length} claims` : "";
  });
  addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== search) { event.preventDefault(); search.focus(); }
  });
})();
