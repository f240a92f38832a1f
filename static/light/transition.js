// In place of d3-transition, of which d3-brush only ends what runs: bars move by CSS here, brushes by hand, nothing runs.

export const interrupt = () => {};
