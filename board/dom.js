// Elements. Whatever comes from a dashboard or from Prometheus goes through here, as text and never as markup.

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, to] of Object.entries(value)) node.style.setProperty(key, to);
    else if (value === true && !name.startsWith("aria-")) node.setAttribute(name, "");
    else if ((value !== false || name.startsWith("aria-")) && value !== undefined && value !== null)
      node.setAttribute(name, String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** An element; children are elements or texts, or nothing (null, false). `style` holds properties, on… listeners;
 *  false leaves an attribute out, but aria-…="false" is said. */
export function el(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

/** A link, where the address leads to this board or by http to elsewhere; else its bare text. */
export function link(text, address, attributes) {
  const sound = /^(https?:\/\/|\/(?!\/)|#)/.test(address ?? "");
  const outside = sound && address.startsWith("http");
  return sound
    ? el("a", { href: address, ...(outside && { target: "_blank", rel: "noopener" }), ...attributes }, text)
    : text;
}
