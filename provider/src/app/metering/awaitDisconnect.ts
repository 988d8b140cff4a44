import type { LiveSession } from './liveSession.js'

/** How long the tunnel of an ended session stays for its consumer to hear of it. */
const leaveWithinMs = { serving: 5_000, stopping: 1_000 } as const

/**
 * The payment socket runs inside the tunnel: the tunnel stays for the last words, and the last payment, until the
 * consumer hangs up or the time is over. Nothing but that socket passes any more.
 */
export async function awaitDisconnect(live: LiveSession, haste: keyof typeof leaveWithinMs): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, leaveWithinMs[haste])
  })
  await Promise.race([late, Promise.all([...live.links].map((link) => link.closed))])
  clearTimeout(timer)
}
