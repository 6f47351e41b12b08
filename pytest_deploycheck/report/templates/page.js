"use strict";
// Only conveniences: without this script the page says all that it has to say.
(() => {
  const make = (name, attributes, text) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.textContent = text ?? "";
    return made;
  };
  const status = make("p", { role: "status", class: "status" });

  // Copy: a button after each command.
  const copy = async (code) => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      return true;
    } catch {
      getSelection().selectAllChildren(code);
      return document.execCommand("copy");
    }
  };
  for (const code of document.querySelectorAll(".command")) {
    const button = make("button", { type: "button", class: "copy", "aria-label": "Copy: " + code.textContent.slice(0, 80) }, "Copy");
    button.addEventListener("click", async () => {
      button.textContent = (await copy(code)) ? "Copied" : "Selected";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    code.after(button);
  }

  // Search and filter: the checklist's lines, and the headings that would have none.
  const list = document.getElementById("checklist");
  const rows = list ? [...list.querySelectorAll(".items > li")] : [];
  if (rows.length) {
    const texts = rows.map((row) => row.textContent.toLowerCase());
    const states = [...new Set(rows.map((row) => row.dataset.state))].sort();
    const tools = make("div", { class: "tools", role: "search" });
    const input = make("input", { type: "search", id: "find", autocomplete: "off" });
    const select = make("select", { id: "state" });
    select.append(make("option", { value: "" }, "any state"));
    for (const state of states) select.append(make("option", { value: state }, state));
    tools.append(make("label", { for: "find" }, "Find"), input, make("label", { for: "state" }, "State"), select, status);
    list.querySelector("h2").after(tools);
    const filter = () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row, index) => {
        const fits = (!select.value || row.dataset.state === select.value) && words.every((word) => texts[index].includes(word));
        row.hidden = !fits;
        shown += fits;
      });
      for (const part of list.querySelectorAll(".items")) {
        const empty = !part.querySelector(":scope > li:not([hidden])");
        part.hidden = empty;
        if (part.previousElementSibling?.tagName === "H4") part.previousElementSibling.hidden = empty;
      }
      status.textContent = shown + " of " + rows.length + " items";
    };
    input.addEventListener("input", filter);
    select.addEventListener("change", filter);
    tools.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { input.value = ""; select.value = ""; filter(); }
    });
  }

  // Deep links: open what is folded around the target, also when it was filtered out.
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let part = target; part; part = part.parentElement) {
      part.hidden = false;
      if (part.tagName === "DETAILS") part.open = true;
    }
    const own = target.querySelector(":scope > details");
    if (own) own.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  if (location.hash) reveal();

  // Print: everything open, and as it was afterwards.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const part of folded) part.open = true;
  });
  addEventListener("afterprint", () => { for (const part of folded) part.open = false; });

  // Age: how old the decision is now.
  const decided = document.querySelector(".verdict time");
  if (decided) {
    const minutes = Math.max(0, Math.round((Date.now() - Date.parse(decided.dateTime)) / 60000));
    const age = minutes < 1 ? "moments" : minutes < 120 ? minutes + " min" : minutes < 2880 ? Math.round(minutes / 60) + " h" : Math.round(minutes / 1440) + " days";
    decided.after(" (" + age + " ago)");
  }
})();
