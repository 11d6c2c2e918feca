const share = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1 });

/** 0–1 as a percentage; only what is whole is shown as 100 %. */
export const formatShare = (value: number): string =>
  share.format(value < 1 ? Math.min(value, 0.999) : value).replace('%', ' %');
