// In place of d3-format, which d3-scale asks how to write a tick: every axis here says it itself.

const none = () => String;

export { none as format, none as formatPrefix, none as formatSpecifier, none as precisionFixed, none as precisionPrefix, none as precisionRound };
