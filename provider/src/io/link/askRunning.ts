import { askControl, type ControlRequest, controlPath, UserError } from '@pontage/shared/node'

/**
 * Asks the provider that runs on a home.
 *
 * @throws UserError when none runs there, or with its own sentence when it refuses.
 */
export async function askRunning<Value>(home: string, request: ControlRequest): Promise<Value> {
  const value = await askControl<Value>(controlPath(home), request)
  if (value !== undefined) return value
  throw new UserError(`No pontage-provider runs on ${home}. Start it with "pontage-provider run".`)
}
