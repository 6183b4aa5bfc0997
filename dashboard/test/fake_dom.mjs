// As much of a document as Preact draws into, with the one thing that matters here: what has the
// focus loses it when it is taken out, also to be put in again elsewhere.

class Node {
  childNodes = [];
  parentNode = null;
  attributes = [];
  namespaceURI = "http://www.w3.org/1999/xhtml";
  style = {};
  dataset = {};
  #listeners = new Map();

  constructor(name) {
    this.localName = this.nodeName = name;
    this.nodeType = name === "#text" ? 3 : 1;
  }

  get firstChild() { return this.childNodes[0] ?? null; }
  get nextSibling() { return this.#beside(1); }
  get previousSibling() { return this.#beside(-1); }
  #beside(by) { return this.parentNode?.childNodes[this.parentNode.childNodes.indexOf(this) + by] ?? null; }
  get isConnected() { return document.body.contains(this); }

  insertBefore(node, before) {
    node.remove();
    const at = before ? this.childNodes.indexOf(before) : this.childNodes.length;
    this.childNodes.splice(at, 0, node);
    node.parentNode = this;
    return node;
  }
  appendChild(node) { return this.insertBefore(node, null); }
  removeChild(node) { node.remove(); }
  remove() {
    if (!this.parentNode) return;
    const hadFocus = this.isConnected && this.contains(document.activeElement);
    this.parentNode.childNodes.splice(this.parentNode.childNodes.indexOf(this), 1);
    this.parentNode = null;
    if (hadFocus) document.activeElement = document.body;
  }
  contains(node) { return node === this || this.childNodes.some(one => one.contains(node)); }

  closest(name) { return this.localName === name ? this : this.parentNode?.closest(name) ?? null; }

  setAttribute(name, value) { this[name] = value; }
  removeAttribute(name) { delete this[name]; }
  addEventListener(type, listener) { this.#listeners.set(type, listener); }
  removeEventListener(type) { this.#listeners.delete(type); }
  // Preact asks whether an event has a name in small letters.
  onpointerenter = null;
  onpointerleave = null;
  onclick = null;
  oninput = null;
  onchange = null;
  onsubmit = null;

  /** What happens in it, for it and for all that it is in. */
  happen(type) {
    for (let at = this; at; at = at.parentNode) at.#listeners.get(type)?.call(at, { type, target: this, currentTarget: at });
  }
  focus() {
    document.activeElement = this;
    this.happen("focusin");
  }

  get text() { return this.nodeType === 3 ? this.data : this.childNodes.map(one => one.text).join(""); }
  all(name) { return this.childNodes.flatMap(one => [...(one.localName === name ? [one] : []), ...one.all(name)]); }
}

export function fakeDocument() {
  const body = new Node("body");
  globalThis.HTMLElement = Node;
  globalThis.document = {
    body, activeElement: body, documentElement: body,
    createElement: name => new Node(name), createElementNS: (_, name) => new Node(name),
    createTextNode: data => Object.assign(new Node("#text"), { data }),
  };
  return body;
}
