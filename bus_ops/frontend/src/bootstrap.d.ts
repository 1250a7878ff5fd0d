// The parts of Bootstrap that are used, whose own types are a package of their own.
declare module "bootstrap/js/dist/collapse" {
  export default class Collapse {
    constructor(element: Element, options?: { toggle?: boolean });
  }
}
declare module "bootstrap/js/dist/dropdown" {
  export default class Dropdown {
    constructor(element: Element);
  }
}
