/** Red, green and blue, 0–255. */
type Rgb = readonly [number, number, number];

/** What WCAG's level AA asks of texts. */
const ENOUGH = 4.5;
const STEPS = 10;

const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });

/** @returns null if the browser doesn't know that colour */
export function toRgb(colour: string): Rgb | null {
  if (!canvas || !CSS.supports('color', colour)) return null;
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  const [red = 0, green = 0, blue = 0] = canvas.getImageData(0, 0, 1, 1).data;
  return [red, green, blue];
}

/** @see https://www.w3.org/TR/WCAG22/#dfn-relative-luminance */
function luminance(rgb: Rgb): number {
  const [red, green, blue] = rgb.map((value) => {
    const share = value / 255;
    return share <= 0.040_45 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as unknown as Rgb;
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: Rgb, other: Rgb): number {
  const both = [luminance(one), luminance(other)];
  return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
}

/** The colour, or the first mixture with `towards` that can be read on that ground. */
export function readable(colour: string, ground: string, towards: string): string {
  const [from, below, to] = [toRgb(colour), toRgb(ground), toRgb(towards)];
  if (!from || !below || !to) return colour;
  for (let step = 0; step <= STEPS; step += 1) {
    const mixed = from.map((value, index) =>
      Math.round(value + ((to[index]! - value) * step) / STEPS),
    ) as unknown as Rgb;
    if (contrast(mixed, below) >= ENOUGH) return `rgb(${mixed.join(' ')})`;
  }
  return towards;
}
