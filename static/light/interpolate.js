// In place of d3-interpolate: our scales and brushes go between numbers, never between colours, dates or transforms.

export const interpolateNumber = (a, b) => (t) => a * (1 - t) + b * t;
export const interpolateRound = (a, b) => (t) => Math.round(a * (1 - t) + b * t);
export const interpolate = interpolateNumber;

/** One interpolator through several values. */
export function piecewise(between, values) {
  const last = values.length - 2;
  return (t) => {
    const i = Math.max(0, Math.min(last, Math.floor(t * (last + 1))));
    return between(values[i], values[i + 1])(t * (last + 1) - i);
  };
}
