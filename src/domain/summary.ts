/** Of UTF-16: none is more than 3 bytes of UTF-8, and Temporal's limit for a summary is 400. */
const MAX_LENGTH = 130;

/** What Temporal's Web UI shows beside a workflow or an activity, cut to what Temporal takes. */
export const asSummary = (text: string): string =>
  text.slice(0, MAX_LENGTH).replace(/\p{Surrogate}$/u, '');
