import type { Unit } from '../../../shared/pages/amounts.js'
import type { Answer } from '../../../shared/pages/server.js'

/** Asks the hub for one of its public pages, as JSON. */
export async function ask<Value extends object>(path: string): Promise<Answer<Value>> {
  const failed = (code: string, message: string) => ({ error: { code, message, cure: null } })
  try {
    const response = await fetch(path)
    const body = await response.json()
    return response.ok ? body : failed(String(response.status), String(body.error))
  } catch {
    return failed('no-hub', 'The hub does not answer. Look again in a while.')
  }
}

/** Which hub this is, by `/about`. */
export interface About {
  readonly hub: string
  readonly chainId: number
  readonly channels: string
  readonly token: { readonly symbol: string; readonly decimals: number }
}

export const about = (): Promise<Answer<About>> => ask<About>('/about')

/** What amounts of the hub's token count. */
export const unitOf = ({ token }: About): Unit => ({ unit: 'token', ...token })
