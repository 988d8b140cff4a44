const unmodelled = (name: string) => (): never => {
  throw new Error(`The simulation has no ${name}.`)
}
export const spawn = unmodelled('spawn')
export const execFile = unmodelled('execFile')
export const execFileSync = unmodelled('execFileSync')
/** Commands are not run, so nobody has to start them. */
export const startCommandsAside = (): void => undefined
export const startCommandSomewhere = unmodelled('startCommandSomewhere')
