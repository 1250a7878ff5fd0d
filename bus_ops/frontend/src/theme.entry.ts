// Sets the theme before the page paints; loaded blocking in the head, so it stays tiny.
const chosen = localStorage.getItem("theme");
const dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
document.documentElement.dataset["bsTheme"] = dark ? "dark" : "light";
