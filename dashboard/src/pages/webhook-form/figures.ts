import { texts } from '../../texts';

const words = texts.common.figures;

/** A figure of a policy as forms have it: empty is what is not said, a word that there is none. */
export const writeFigure = (value: number | null | undefined): string =>
  value === undefined ? '' : value === null ? words.none : String(value);

/** @param problem is told what is wrong */
export function parseFigure(text: string, problem: (message: string) => void): number | undefined {
  if (text.trim() === '') return undefined;
  const value = Number(text.trim().replace(',', '.'));
  if (!Number.isFinite(value)) problem(words.number);
  return value;
}

/** The same where there may be none. */
export const parseFigureOrNone = (
  text: string,
  problem: (message: string) => void,
): number | null | undefined =>
  text.trim().toLowerCase() === words.none
    ? null
    : parseFigure(text, () => problem(words.numberOrNone));
