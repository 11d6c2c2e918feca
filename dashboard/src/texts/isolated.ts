/** A name that somebody chose, within a sentence: marks in it that change the direction end with it. */
export const isolated = (name: string): string => `\u2068${name}\u2069`;
