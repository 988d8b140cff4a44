import type { ComponentChildren } from 'preact'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { around, drawn } from './drawn.js'

/** Pixels of a row before one was drawn. */
const guessedPx = 46

/**
 * A table of which only the rows near what is seen are drawn; a list of cards on a phone. Whoever reads it by ear is told how many
 * rows there are, and which is which. A row that somebody touched stays, with what it asks or says.
 *
 * @param head - The cells of the heading.
 * @param children - The cells of an item.
 */
export function LongTable<Item>({
  head,
  of,
  keyOf,
  children: cells,
}: {
  head: ComponentChildren
  of: readonly Item[]
  keyOf: (item: Item) => string
  children: (item: Item) => ComponentChildren
}) {
  const body = useRef<HTMLTableSectionElement>(null)
  const top = useRef<HTMLTableRowElement>(null)
  const heights = useRef(createHeights()).current
  const widths = useRef(createWidths()).current
  const touched = useRef(new Set<string>()).current
  const [stretch, setStretch] = useState({ top: 0, bottom: 2 * innerHeight })
  const [, drawAgain] = useState({})
  const look = () => {
    const top = -(body.current?.getBoundingClientRect().top ?? 0)
    setStretch((before) => around({ top, bottom: top + innerHeight }, before))
  }
  useEffect(() => {
    const lookAnew = () => {
      heights.forget()
      widths.forget()
      drawAgain({})
    }
    addEventListener('scroll', look, { passive: true })
    addEventListener('resize', lookAnew)
    return () => {
      removeEventListener('scroll', look)
      removeEventListener('resize', lookAnew)
    }
  }, [])
  const keys = of.map(keyOf)
  useLayoutEffect(() => {
    const rows = [...(body.current?.rows ?? [])].filter(({ ariaRowIndex }) => ariaRowIndex !== null)
    widths.keep(top.current?.cells ?? [], rows)
    if (heights.measure(rows, keys)) drawAgain({})
    look()
  })
  const touch = ({ target }: Event) => {
    const row = target instanceof Element ? target.closest('tr') : null
    const key = keys[Number(row?.ariaRowIndex) - 2]
    if (key !== undefined) touched.add(key)
  }
  const parts = drawn(keys.map(heights.of), stretch, (item) => touched.has(keys[item] as string))
  return (
    <div class="scroll">
      <table class="cards" aria-rowcount={of.length + 1}>
        <thead>
          <tr ref={top} aria-rowindex={1}>
            {head}
          </tr>
        </thead>
        <tbody ref={body} onFocusIn={touch} onPointerDown={touch}>
          {parts.map((part, at) =>
            'room' in part ? (
              <tr key={`room ${at}`} class="room" style={{ height: `${part.room}px` }} />
            ) : (
              <tr key={keys[part.item]} aria-rowindex={part.item + 2}>
                {cells(of[part.item] as Item)}
              </tr>
            ),
          )}
        </tbody>
      </table>
    </div>
  )
}

/** How wide what stood in each column was at most: columns that follow what is drawn would move while one scrolls. */
function createWidths() {
  let widest: number[] = []
  let looked = new WeakSet<HTMLTableRowElement>()
  const range = document.createRange()
  const widthIn = (cell: HTMLTableCellElement): number => {
    range.selectNodeContents(cell)
    const { paddingLeft, paddingRight } = getComputedStyle(cell)
    return (
      range.getBoundingClientRect().width + Number.parseFloat(paddingLeft) + Number.parseFloat(paddingRight)
    )
  }
  return {
    /** Has the heading be no narrower than what any row had, of those that are drawn now or were before. */
    keep(head: Iterable<HTMLTableCellElement>, rows: Iterable<HTMLTableRowElement>): void {
      for (const row of rows) {
        if (looked.has(row)) continue
        looked.add(row)
        widest = [...row.cells].map((cell, column) => Math.max(widest[column] ?? 0, widthIn(cell)))
      }
      for (const [column, cell] of [...head].entries()) cell.style.minWidth = `${widest[column] ?? 0}px`
    },
    forget(): void {
      widest = []
      looked = new WeakSet()
    },
  }
}

/** How high rows are, by their keys. */
function createHeights() {
  const known = new Map<string, number>()
  let usual = guessedPx
  return {
    of: (key: string) => known.get(key) ?? usual,
    /** @param keys - Of all rows; those that are drawn say which they are. @returns whether others are guessed differently now */
    measure(rows: Iterable<HTMLTableRowElement>, keys: readonly string[]): boolean {
      const before = usual
      for (const row of rows) {
        const key = keys[Number(row.ariaRowIndex) - 2]
        if (key === undefined) continue
        const { height } = row.getBoundingClientRect()
        if (known.size === 0) usual = height
        known.set(key, height)
      }
      if (known.size > 2 * keys.length) {
        const are = new Set(keys)
        for (const key of known.keys()) if (!are.has(key)) known.delete(key)
      }
      return usual !== before
    },
    /** Rows are as wide as the window: nothing holds any more once that is another. */
    forget: () => known.clear(),
  }
}
