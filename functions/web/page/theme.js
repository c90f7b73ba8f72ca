// A classic script in the head: it sets the theme before the first paint, so that nothing flashes.
document.documentElement.dataset.theme = localStorage.getItem("theme") ?? "system";
