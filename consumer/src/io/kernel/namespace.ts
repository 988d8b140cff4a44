import { applyIp, CommandFailed, runCommand } from '@pontage/shared/node'

/** Makes a network namespace that holds nothing but a loopback. @throws CommandFailed when the name is taken. */
export async function makeNamespace(name: string): Promise<void> {
  await applyIp([['netns', 'add', name]])
  await applyIp([['link', 'set', 'dev', 'lo', 'up']], { netns: name })
}

/** Takes the name away; what still runs inside keeps a network without any way out. One that is gone is no error. */
export async function removeNamespace(name: string): Promise<void> {
  await applyIp([['netns', 'delete', name]]).catch((error) => {
    if (!(error instanceof CommandFailed && /no such file|cannot remove/i.test(error.stderr))) throw error
  })
}

export async function namespaceExists(name: string): Promise<boolean> {
  const { stdout } = await runCommand(['ip', 'netns', 'list'])
  return stdout.split('\n').some((line) => line.split(' ')[0] === name)
}

/** Whether a command failed because the namespace that it was to run in is not there any more. */
export const isForWantOf = async (name: string | undefined, error: unknown): Promise<boolean> =>
  name !== undefined &&
  error instanceof CommandFailed &&
  /cannot open network namespace/i.test(error.stderr) &&
  !(await namespaceExists(name))
