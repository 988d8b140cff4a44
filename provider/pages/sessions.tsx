import { useState } from 'preact/hooks'
import { bytes, duration, short, tokens, type Units } from '../../shared/pages/amounts.js'
import { LongTable } from '../../shared/pages/longTable.js'
import { Card, Deed, Empty, Field, Refused, Waiting } from '../../shared/pages/parts.js'
import { heardAt, now, type Session } from './state.js'
import { texts } from './texts.js'

export function Sessions() {
  const [sought, setSought] = useState('')
  const is = now.value
  if (is === undefined) return <Waiting />
  if (is.error !== undefined) return <Refused failure={is.error} />
  if (!is.running || is.sessions === undefined)
    return (
      <Card>
        <Empty title={texts.stopped}>{texts.sessions.stopped}</Empty>
      </Card>
    )
  const found = is.sessions.filter(({ consumer, session }) => `${consumer} ${session}`.includes(sought))
  return (
    <>
      <Card>
        {is.sessions.length === 0 ? (
          <Empty title={texts.sessions.none}>{texts.sessions.noneHint}</Empty>
        ) : (
          <div class="stack">
            <Field
              label={texts.sessions.search}
              type="search"
              value={sought}
              onInput={(event) => setSought(event.currentTarget.value.trim().toLowerCase())}
            />
            {/* Said aloud for what one searches, not for those who come and go. */}
            <p class="soft small" aria-live={sought === '' ? 'off' : 'polite'}>
              {texts.sessions.count(found.length, is.sessions.length)}
            </p>
            <Table of={found} units={is.units} />
          </div>
        )}
      </Card>
      <Limits total={is.limits?.total ?? '–'} session={is.limits?.session ?? '–'} />
    </>
  )
}

function Table({ of, units }: { of: readonly Session[]; units: Units }) {
  const { columns } = texts.sessions
  return (
    <LongTable
      of={of}
      keyOf={({ session }) => session}
      head={
        <>
          <th>{columns.consumer}</th>
          <th>{columns.state}</th>
          {(['since', 'down', 'up', 'owed', 'promised'] as const).map((name) => (
            <th class="number" key={name}>
              {columns[name]}
            </th>
          ))}
          <th>
            <span class="hidden">{texts.sessions.kick}</span>
          </th>
        </>
      }
    >
      {(each) => (
        <>
          <td data-label={columns.consumer}>
            <span class="mono" title={each.consumer}>
              {short(each.consumer)}
            </span>
          </td>
          <td data-label={columns.state}>{each.phase}</td>
          <td class="number" data-label={columns.since}>
            {duration(heardAt.value / 1_000 - each.startedAt)}
          </td>
          <td class="number" data-label={columns.down}>
            {bytes(each.downBytes)}
          </td>
          <td class="number" data-label={columns.up}>
            {bytes(each.upBytes)}
          </td>
          <td class="number" data-label={columns.owed}>
            {tokens(each.owed, units?.owed)}
          </td>
          <td class="number" data-label={columns.promised}>
            {tokens(each.promised, units?.promised)}
          </td>
          <td class="number" data-label="">
            <Deed
              name="kick"
              fields={{ who: each.session }}
              label={texts.sessions.kick}
              kind="small"
              question={texts.sessions.kickCosts(short(each.consumer))}
            />
          </td>
        </>
      )}
    </LongTable>
  )
}

/** What is left empty stays as it is; what holds now stands behind the field, and moves with the program. */
function Limits({ total, session }: { total: string; session: string }) {
  const [all, setAll] = useState('')
  const [each, setEach] = useState('')
  return (
    <Card title={texts.sessions.limits}>
      <div class="stack">
        <div class="row form">
          <Field
            label={texts.sessions.total}
            placeholder={texts.sessions.holds(total)}
            value={all}
            onInput={(event) => setAll(event.currentTarget.value.trim())}
          />
          <Field
            label={texts.sessions.each}
            placeholder={texts.sessions.holds(session)}
            value={each}
            onInput={(event) => setEach(event.currentTarget.value.trim())}
          />
          <Deed
            name="limit"
            fields={{ total: all, session: each }}
            label={texts.sessions.change}
            done={(answer) => {
              if (answer.error !== undefined) return
              setAll('')
              setEach('')
            }}
          />
        </div>
        <p class="soft small">{texts.sessions.keep}</p>
      </div>
    </Card>
  )
}
