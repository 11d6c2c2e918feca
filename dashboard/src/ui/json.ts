import { texts } from '../texts';
import { prettyJson } from './pretty-json';

const STRING = /"(?:[^"\\]|\\.)*"/g;

/** What reorders text or can't be seen: direction marks, zero-width characters. */
const UNSEEN = /[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

const escaped = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

const readable = (quoted: string): string => JSON.stringify(JSON.parse(quoted));

/** JSON for people, in which nothing pretends to be something else. */
export const pretty = (json: string): string =>
  (prettyJson(json) ?? json).replaceAll(STRING, readable).replaceAll(UNSEEN, escaped);

/** What is sent of a text that was shown by `pretty`: the original, unless somebody has changed it. */
export const unlessChanged = (shown: string, original: string | undefined): string =>
  original !== undefined && shown === pretty(original) ? original : shown;

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
