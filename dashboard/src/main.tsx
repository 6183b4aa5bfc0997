import { render } from "preact";
import { App } from "./app";
import { Live } from "./live";
import "./style.css";
import "./frame/frame.css";
import { apply, theme } from "./theme";

apply(theme());
const live = new Live();
const root = document.getElementById("app");
if (root) render(<App live={live} />, root);
live.start();
