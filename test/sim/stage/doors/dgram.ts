export const createSocket = (): never => {
  throw new Error('The simulation has no createSocket.')
}
