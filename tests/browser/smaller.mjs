// A picture of a page in at most 256 colours: a third of the bytes, and the eye sees no difference.
// Reads the PNGs that chromium writes (8 bits, RGB or RGBA, not interlaced) and nothing else.
import { crc32, deflateSync, inflateSync } from "node:zlib";

const SIGNATURE = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
const COLOURS_MAX = 256;
// Squared distance of two colours, over three channels of 0 to 255, that nobody tells apart.
const SAME_MAX = 30;

export function smaller(png) {
  const { width, height, pixels } = read(png);
  const counts = new Map();
  for (const colour of pixels) counts.set(colour, (counts.get(colour) ?? 0) + 1);
  const palette = [];
  // What is seen most keeps its colour, shades of what is kept already do not; the rest, edges of
  // letters, take the nearest.
  for (const [colour] of [...counts].sort((a, b) => b[1] - a[1])) {
    if (palette.length < COLOURS_MAX && palette.every(kept => distance(kept, colour) > SAME_MAX)) palette.push(colour);
  }
  const index = new Map([...counts.keys()].map(colour => [colour, nearest(palette, colour)]));
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0, n = 0; y < height; y++) {
    for (let x = 0; x < width; x++) rows[y * (width + 1) + 1 + x] = index.get(pixels[n++]);
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 3], 8);
  const colours = Buffer.from(palette.flatMap(colour => [colour >> 16, colour >> 8 & 255, colour & 255]));
  const parts = [["IHDR", head], ["PLTE", colours], ["IDAT", deflateSync(rows, { level: 9 })], ["IEND", Buffer.alloc(0)]];
  return Buffer.concat([SIGNATURE, ...parts.map(([kind, body]) => chunk(kind, body))]);
}

/** Pixels as 0xRRGGBB, row after row. */
function read(png) {
  const parts = [];
  let head = null;
  for (let at = SIGNATURE.length; at < png.length;) {
    const size = png.readUInt32BE(at);
    const kind = png.toString("latin1", at + 4, at + 8);
    const body = png.subarray(at + 8, at + 8 + size);
    if (kind === "IHDR") head = body;
    if (kind === "IDAT") parts.push(body);
    at += size + 12;
  }
  const [width, height, channels] = [head.readUInt32BE(0), head.readUInt32BE(4), { 2: 3, 6: 4 }[head[9]]];
  if (head[8] !== 8 || channels === undefined || head[12] !== 0) throw new Error("not a picture as chromium writes it");
  const filtered = inflateSync(Buffer.concat(parts));
  const row = width * channels;
  const plain = Buffer.alloc(row * height);
  for (let y = 0; y < height; y++) {
    const filter = filtered[y * (row + 1)];
    for (let x = 0; x < row; x++) {
      const at = y * row + x;
      const left = x < channels ? 0 : plain[at - channels];
      const up = y === 0 ? 0 : plain[at - row];
      const corner = x < channels || y === 0 ? 0 : plain[at - row - channels];
      plain[at] = filtered[y * (row + 1) + 1 + x] + predicted(filter, left, up, corner);
    }
  }
  const pixels = new Uint32Array(width * height);
  for (let n = 0; n < pixels.length; n++) pixels[n] = plain.readUIntBE(n * channels, 3);
  return { width, height, pixels };
}

/** What each filter of PNG adds to a byte (the PNG specification, 9.2). */
function predicted(filter, left, up, corner) {
  if (filter === 0) return 0;
  if (filter === 1) return left;
  if (filter === 2) return up;
  if (filter === 3) return left + up >> 1;
  const [a, b, c] = [up - corner, left - corner, left + up - 2 * corner].map(Math.abs);
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}

function distance(a, b) {
  return ((a >> 16) - (b >> 16)) ** 2 + ((a >> 8 & 255) - (b >> 8 & 255)) ** 2 + ((a & 255) - (b & 255)) ** 2;
}

function nearest(palette, colour) {
  let [best, least] = [0, Infinity];
  for (let n = 0; n < palette.length && least > 0; n++) {
    const far = distance(palette[n], colour);
    if (far < least) [best, least] = [n, far];
  }
  return best;
}

function chunk(kind, body) {
  const named = Buffer.concat([Buffer.from(kind, "latin1"), body]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(body.length, 0);
  ends.writeUInt32BE(crc32(named), 4);
  return Buffer.concat([ends.subarray(0, 4), named, ends.subarray(4)]);
}
