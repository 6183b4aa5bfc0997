// Dark or light: what the system says, unless somebody chose.

export type Theme = "system" | "light" | "dark";
export const THEMES: Theme[] = ["system", "light", "dark"];
const KEY = "pw-theme";

export function theme(): Theme {
  const kept = stored();
  return kept === "light" || kept === "dark" ? kept : "system";
}

export function choose(wanted: Theme): void {
  apply(wanted);
  try {
    localStorage.setItem(KEY, wanted);
  } catch {
    // Storage may be switched off; the choice then holds until the page goes.
  }
}

export function apply(wanted: Theme): void {
  const root = document.documentElement;
  if (wanted === "system") delete root.dataset["theme"];
  else root.dataset["theme"] = wanted;
  // The bar of the browser, or of the installed page, goes along.
  for (const meta of document.querySelectorAll<HTMLMetaElement>("meta[name=theme-color]")) {
    const its = meta.dataset["of"] ?? "";
    meta.media = wanted === "system" ? `(prefers-color-scheme: ${its})` : wanted === its ? "all" : "not all";
  }
}

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
