import { printable } from '../../printable.js'
import { refuse, type Verdict } from '../../refusal.js'
import { encodeMessage, type Params, type RequestType, type Result, requests } from '../../wire.js'
import { GivenHandles } from './channelHandles.js'
import { decodeCleared, encodeClear } from './clearFrame.js'
import { problemOf } from './hello.js'

type Answer = Verdict<{ value: unknown }>
type Form = 'text' | 'frame'

/** What one end of a link has asked and not heard of yet. */
export class Asking {
  readonly #open = new Map<number, (answer: Answer, form: Form) => void>()
  readonly #handles = new GivenHandles()
  #nextId = 1

  constructor(private readonly send: (data: string | Buffer) => void) {}

  request<Type extends RequestType>(
    type: Type,
    params: Params<Type>,
    timeoutMs: number,
  ): Promise<Verdict<{ value: Result<Type> }>> {
    const id = this.#nextId++
    const question =
      type === 'clear'
        ? encodeClear(id, params as Params<'clear'>, this.#handles)
        : encodeMessage({ id, type, ...params })
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#open.delete(id)
        resolve(refuse({ code: 'peer-silent', type, timeoutMs }))
      }, timeoutMs)
      this.#open.set(id, (answer, form) => {
        clearTimeout(timer)
        const checked = checkedAnswer(type, answer, form)
        if (type === 'clear' && checked.ok)
          this.#handles.answered(params as Params<'clear'>, checked.value as Result<'clear'>)
        resolve(checked)
      })
      this.send(question)
    })
  }

  /** Whether an answer to this is waited for. */
  awaits(id: number): boolean {
    return this.#open.has(id)
  }

  /** Takes an answer in text. */
  settle(id: number, message: Record<string, unknown>): void {
    const refusal = {
      code: 'peer-refused',
      // Shown on somebody's terminal, sooner or later.
      peerCode: printable(String(message.code).slice(0, 64)),
      message: printable(String(message.message).slice(0, 1_024)),
    } as const
    this.#settle(id, message.ok === true ? { ok: true, value: message } : refuse(refusal), 'text')
  }

  /** Takes the answer to a clear. @returns whether the frame is one. */
  settleCleared(frame: Buffer): boolean {
    const answer = decodeCleared(frame)
    if (answer) this.#settle(answer.id, { ok: true, value: answer.value }, 'frame')
    return answer !== undefined
  }

  /** Nothing more will be answered. */
  end(): void {
    for (const [, settle] of this.#open) settle(refuse({ code: 'peer-gone', type: 'request' }), 'text')
    this.#open.clear()
  }

  #settle(id: number, answer: Answer, form: Form): void {
    const waiting = this.#open.get(id)
    this.#open.delete(id)
    waiting?.(answer, form)
  }
}

/** A clear's answer was checked when its frame was read. */
function checkedAnswer<Type extends RequestType>(
  type: Type,
  answer: Answer,
  form: Form,
): Verdict<{ value: Result<Type> }> {
  if (!answer.ok) return answer
  if ((type === 'clear') !== (form === 'frame'))
    return refuse({ code: 'malformed-message', type: `answer to ${type}`, problem: `it came as a ${form}` })
  if (type === 'clear') return answer as Verdict<{ value: Result<Type> }>
  const parsed = requests[type as Exclude<RequestType, 'clear'>].result.safeParse(answer.value)
  if (parsed.success) return { ok: true, value: parsed.data as Result<Type> }
  return refuse({ code: 'malformed-message', type: `answer to ${type}`, problem: problemOf(parsed.error) })
}
