import type { ComponentChildren, InputHTMLAttributes, VNode } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { type Answer, act, type Failure, isOver, isReached, right } from './server.js'

/** The frame around every page: the mark, where one can go, and whether the program answers. */
export function Frame({
  program,
  tabs,
  here,
  title,
  children,
}: {
  program: string
  tabs: Readonly<Record<string, string>>
  here: string
  /** Left out where the page has one of its own. */
  title?: string | undefined
  children: ComponentChildren
}) {
  return (
    <div class="page">
      <header class="top">
        <div class="mark">
          Pontage <span>{program}</span>
        </div>
        <nav class="tabs" aria-label="Pages">
          {Object.entries(tabs).map(([name, title]) => (
            <a key={name} href={`#/${name}`} {...(name === here ? { 'aria-current': 'page' } : {})}>
              {title}
            </a>
          ))}
        </nav>
      </header>
      <main class="stack">
        {title === undefined ? null : <h1>{title}</h1>}
        {isReached.value ? null : isOver.value ? (
          <p class="notice bad" role="alert">
            <strong>This visit is over: the pages were started anew.</strong>
            What is shown is old. Open the link that was typed out then.
          </p>
        ) : (
          <p class="notice bad" role="alert">
            <strong>The program behind these pages does not answer.</strong>
            What is shown may be old. It is looked for all the time.
          </p>
        )}
        {children}
      </main>
    </div>
  )
}

export const Card = ({ title, children }: { title?: string; children: ComponentChildren }) => (
  <section class="card">
    {title === undefined ? null : <h2>{title}</h2>}
    {children}
  </section>
)

/**
 * What was refused: what was seen, and what to do. A chain that cannot be reached is no fault of what was asked.
 *
 * @param again - Asks once more.
 */
export function Refused({ failure, again }: { failure: Failure; again?: (() => void) | undefined }) {
  // The frame says so already.
  if (failure.code === 'no-pages' && !isReached.value) return null
  return (
    <div class={`notice stack ${failure.code === 'no-chain' ? '' : 'bad'}`} role="alert">
      <div>
        <strong>{failure.code === 'no-chain' ? 'The chain cannot be reached' : failure.message}</strong>
        {failure.code === 'no-chain' ? <p>{failure.message}</p> : null}
        {failure.cure}
      </div>
      {again === undefined ? null : (
        <div>
          <button type="button" class="small" onClick={again}>
            Try again
          </button>
        </div>
      )}
    </div>
  )
}

export const Tiles = ({ of }: { of: readonly (readonly [name: string, value: ComponentChildren])[] }) => (
  <dl class="tiles">
    {of.map(([name, value]) => (
      <div class="tile" key={name}>
        <dt>{name}</dt>
        <dd>{value}</dd>
      </div>
    ))}
  </dl>
)

/** How much of something limited is used, as a ring. @param share - From 0 to 1 */
export function Ring({ name, share, words }: { name: string; share: number; words: string }) {
  const around = 2 * Math.PI * 44
  const bounded = Math.min(1, Math.max(0, share))
  const percent = `${Math.round(bounded * 100)} %`
  return (
    <figure class={`ring${bounded >= 0.8 ? ' near' : ''}`}>
      <svg viewBox="0 0 108 108" role="img" aria-label={`${name}: ${percent} used`}>
        <circle class="track" cx="54" cy="54" r="44" fill="none" stroke-width="9" />
        <circle
          class="used"
          cx="54"
          cy="54"
          r="44"
          fill="none"
          stroke-width="9"
          stroke-linecap="round"
          stroke-dasharray={around}
          stroke-dashoffset={around * (1 - bounded)}
          transform="rotate(-90 54 54)"
        />
        <text x="54" y="61" text-anchor="middle">
          {percent}
        </text>
      </svg>
      <figcaption>
        <strong>{name}</strong>
        <div class="soft small">{words}</div>
      </figcaption>
    </figure>
  )
}

export const Waiting = () => (
  <div class="stack" role="status">
    <span class="hidden">Loading</span>
    <div class="waiting" />
    <div class="waiting" />
    <div class="waiting" />
  </div>
)

export const Empty = ({ title, children }: { title: string; children?: ComponentChildren }) => (
  <div class="empty">
    <h2>{title}</h2>
    {children}
  </div>
)

/** Shows what was read: that it is under way, that it failed, or it. */
export function Shown<Value>({
  of,
  again,
  alone = false,
  children,
}: {
  of: Answer<Value> | undefined
  /** It stands in no card: what is not there yet gets one. */
  alone?: boolean
  /** Reads it once more, where it failed. */
  again?: () => void
  children: (value: Value) => ComponentChildren
}) {
  const carded = (part: VNode) => (alone ? <Card>{part}</Card> : part)
  if (of === undefined) return carded(<Waiting />)
  if (of.error !== undefined) return carded(<Refused failure={of.error} again={again} />)
  return <>{children(of as Value)}</>
}

/** A button that does something, once asked where it costs money. */
export function Deed({
  name,
  fields = {},
  label,
  question,
  kind = '',
  busy = 'One moment …',
  done,
}: {
  name: string
  fields?: object
  label: string
  /** What it costs or ends; asked before. */
  question?: string
  kind?: string
  busy?: string
  done?: (answer: Answer<object>) => void
}) {
  const [isBusy, setBusy] = useState(false)
  const [isAsking, setAsking] = useState(false)
  const [failure, setFailure] = useState<Failure>()
  const run = async () => {
    setAsking(false)
    setBusy(true)
    setFailure(undefined)
    const answer = await act<object>(name, fields)
    setBusy(false)
    setFailure(answer.error)
    done?.(answer)
  }
  return (
    <>
      <button
        type="button"
        class={kind}
        disabled={isBusy || right.value !== 'act'}
        title={right.value === 'act' ? undefined : 'This link is for looking only.'}
        onClick={() => (question === undefined ? void run() : setAsking(true))}
      >
        {isBusy ? busy : label}
      </button>
      {failure === undefined ? null : <Refused failure={failure} />}
      {isAsking && question !== undefined ? (
        <Question text={question} yes={label} answered={(is) => (is ? void run() : setAsking(false))} />
      ) : null}
    </>
  )
}

function Question({ text, yes, answered }: { text: string; yes: string; answered: (is: boolean) => void }) {
  return (
    <Dialog name={yes} closed={() => answered(false)}>
      <p>{text}</p>
      <div class="row">
        <button type="button" class="main" onClick={() => answered(true)}>
          {yes}
        </button>
        <button type="button" onClick={() => answered(false)}>
          Not now
        </button>
      </div>
    </Dialog>
  )
}

/** What stands before everything else, as long as it is there. @param closed - Somebody pressed Escape */
export function Dialog({
  name,
  closed,
  children,
}: {
  name: string
  closed: () => void
  children: ComponentChildren
}) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const before = document.activeElement
    dialog.current?.showModal()
    // Whoever uses the keyboard is back where it was opened, once it is gone.
    return () => {
      requestAnimationFrame(() => {
        if (before instanceof HTMLElement) before.focus()
      })
    }
  }, [])
  return (
    <dialog ref={dialog} aria-label={name} onCancel={closed}>
      <div class="stack">{children}</div>
    </dialog>
  )
}

/** One field of a form. */
export const Field = ({ label, ...input }: { label: string } & InputHTMLAttributes<HTMLInputElement>) => (
  <label>
    {label}
    <input type="text" autocomplete="off" {...input} />
  </label>
)
