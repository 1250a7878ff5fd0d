declare module "tablet-icons" {
  const symbols: string;
  export default symbols;
}
