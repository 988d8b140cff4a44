import { signal } from '@preact/signals'

/** Why something failed, as every command says it with `--json`. */
export interface Failure {
  readonly code: string
  readonly message: string
  readonly cure: string | null
}

/** What a command printed: its fields, or why it failed. */
export type Answer<Value> = (Value & { readonly error?: undefined }) | { readonly error: Failure }

/** Whether this visit may do something, or only look; whether the program behind the pages answers; and whether it knows the visit no more. */
export const right = signal<'act' | 'read'>('read')
export const isReached = signal(true)
export const isOver = signal(false)

const unreachable: Failure = {
  code: 'no-pages',
  message: 'The program behind these pages does not answer.',
  cure: 'Start it again and open the link that it prints.',
}

/** The half of the visit that only these pages know; kept for a page that is loaded again, or in another tab. */
function visitWord(): string {
  const [, given] = /^#visit=([\w-]+)$/.exec(location.hash) ?? []
  if (given !== undefined) {
    localStorage.setItem('visit', given)
    history.replaceState(null, '', '/')
  }
  return given ?? localStorage.getItem('visit') ?? ''
}
const visit = visitWord()

async function ask<Value>(path: string, options: RequestInit = {}): Promise<Answer<Value>> {
  try {
    const response = await fetch(path, {
      ...options,
      headers: { ...options.headers, 'pontage-visit': visit },
    })
    if (response.ok) return await response.json()
    return { error: { code: String(response.status), message: (await response.text()).trim(), cure: null } }
  } catch {
    return { error: unreachable }
  }
}

/**
 * Reads something by its name. A browser drops what it waits for when a tunnel comes or goes, here as well: then it is
 * asked again.
 */
export async function read<Value>(name: string): Promise<Answer<Value>> {
  const answer = await ask<Value>(`/read/${name}`)
  return answer.error === unreachable ? ask(`/read/${name}`) : answer
}

const lost: Failure = {
  code: 'answer-lost',
  message: 'The answer was lost on its way, as it is when the network changes. What was begun goes on.',
  cure: 'See how things stand before you do it again.',
}

/** Does something by its name: once, whatever becomes of the answer. */
export async function act<Value>(name: string, fields: object): Promise<Answer<Value>> {
  const answer = await ask<Value>(`/do/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(fields),
  })
  if (answer.error !== unreachable) return answer
  // Where the pages are still there, only the answer is missing.
  const { error } = await ask<object>('/right')
  return { error: error === unreachable ? unreachable : lost }
}

const againAfterMs = 3_000

/** Follows how things stand; a program that ends and comes back is found again. */
export function follow<Value>(heard: (now: Answer<Value>) => void): void {
  void ask<{ right: 'act' | 'read' }>('/right').then((answer) => {
    if (answer.error === undefined) right.value = answer.right
  })
  let stream: EventSource | undefined
  const listen = () => {
    stream?.close()
    // Nobody looks at a page that is hidden, and a browser has six connections for all that are open.
    stream = document.hidden ? undefined : new EventSource(`/live?visit=${visit}`)
    if (stream === undefined) return
    stream.onmessage = ({ data }) => {
      isReached.value = true
      heard(JSON.parse(data))
    }
    const own = stream
    stream.onerror = () => {
      isReached.value = false
      // A browser tries again by itself, except where it was refused.
      if (own.readyState === EventSource.CLOSED) void refusedStream()
    }
  }
  const refusedStream = async () => {
    const { error } = await ask('/right')
    isOver.value = error?.code === '401'
    if (!isOver.value) setTimeout(listen, againAfterMs)
  }
  document.addEventListener('visibilitychange', listen)
  listen()
}
