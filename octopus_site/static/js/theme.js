// Before the first paint: the theme chosen in this browser.
const kept = localStorage.getItem("theme");
if (kept) document.documentElement.dataset.theme = kept;
