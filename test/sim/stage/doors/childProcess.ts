const unmodelled = (name: string) => (): never => {
  throw new Error(`The simulation has no ${name}.`)
}
export const spawn = unmodelled('spawn')
export const execFile = unmodelled('execFile')
export const execFileSync = unmodelled('execFileSync')
