import { texts } from '../texts';

/** What reorders text or can't be seen: direction marks, zero-width characters. */
const UNSEEN = /[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

const escaped = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** JSON for people, in which nothing pretends to be something else. */
export const pretty = (value: unknown): string =>
  JSON.stringify(value, null, 2).replaceAll(UNSEEN, escaped);

/** What is wrong with a text that is to be a JSON object; undefined: nothing. */
export function jsonProblem(text: string): string | undefined {
  const words = texts.common.json;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return words.notJson(text.trim() === '' ? words.empty : (error as Error).message);
  }
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? undefined : words.notObject;
}
