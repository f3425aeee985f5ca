// What ical.js and node-ical (npm) read in calendars that the service writes.
//
// calendars.mjs MODULES FOLDER: each <name>.ics there says what <name>.json tells.

import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'

const [modules, folder] = process.argv.slice(2)
const require = createRequire(resolve(modules, 'package.json'))
const icalModule = await import(require.resolve('ical.js'))
const ICAL = icalModule.default ?? icalModule
const nodeIcal = require('node-ical')

const instant = (date) => date.toISOString().replace('.000Z', 'Z')
const address = (uri) => uri.replace(/^mailto:/, '')

const readers = {
  'ical.js'(text) {
    const calendar = new ICAL.Component(ICAL.parse(text))
    const value = (component, name) => component.getFirstPropertyValue(name)
    const party = (property) => ({
      name: property.getParameter('cn') ?? '',
      address: address(property.getFirstValue()),
    })
    const events = calendar.getAllSubcomponents('vevent').map((event) => {
      const found = {
        uid: value(event, 'uid'),
        sequence: value(event, 'sequence'),
        starts_at: instant(value(event, 'dtstart').toJSDate()),
        ends_at: instant(value(event, 'dtend').toJSDate()),
        summary: value(event, 'summary'),
        description: value(event, 'description'),
        location: value(event, 'location'),
        url: value(event, 'url'),
        status: value(event, 'status'),
      }
      const [organizer, attendee] = ['organizer', 'attendee'].map((name) => event.getFirstProperty(name))
      if (organizer) {
        found.organizer = party(organizer)
        found.attendee = { ...party(attendee), role: attendee.getParameter('role') }
      }
      return found
    })
    return { method: value(calendar, 'method'), name: value(calendar, 'name'), events }
  },

  'node-ical'(text) {
    const calendar = nodeIcal.sync.parseICS(text)
    const plain = (value) => (value === undefined ? null : (value?.val ?? value))
    const party = (value) => ({ name: value.params?.CN ?? '', address: address(value.val) })
    const all = Object.values(calendar)
    const events = all.filter((one) => one.type === 'VEVENT').map((event) => {
      const found = {
        uid: plain(event.uid),
        sequence: Number(plain(event.sequence)),
        starts_at: instant(event.start),
        ends_at: instant(event.end),
        summary: plain(event.summary),
        description: plain(event.description),
        location: plain(event.location),
        url: plain(event.url),
        status: plain(event.status),
      }
      if (event.organizer) {
        found.organizer = party(event.organizer)
        found.attendee = { ...party(event.attendee), role: event.attendee.params.ROLE }
      }
      return found
    })
    const head = all.find((one) => one.type === 'VCALENDAR')
    return { method: plain(head?.method), name: plain(head?.name ?? head?.['WR-CALNAME']), events }
  },
}

// node-ical 0.27.2 takes an escaped backslash before an n for a line break: its texts are compared without the difference.
const faults = {
  'ical.js': (text) => text,
  'node-ical': (text) => text.replaceAll('\\\n', '\\n'),
}

const files = readdirSync(folder).filter((file) => file.endsWith('.ics')).sort()
for (const [library, read] of Object.entries(readers)) {
  let events = 0
  for (const file of files) {
    const expected = JSON.parse(readFileSync(join(folder, file.replace(/ics$/, 'json')), 'utf8'))
    const found = read(readFileSync(join(folder, file), 'utf8'))
    for (const event of [...found.events, ...expected.events]) {
      for (const name of ['summary', 'description']) event[name] = faults[library](event[name])
    }
    assert.deepEqual(found, expected, `${library} reads ${file} as\n${JSON.stringify(found, null, 1)}`)
    events += found.events.length
  }
  console.log(`${library} reads ${files.length} calendars with ${events} events as they were written`)
}
