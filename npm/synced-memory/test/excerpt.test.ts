import { expect, test } from 'vitest';
import { excerpt } from '../src/base/excerpt.js';

test('a text of a service is cut and put on one line', () => {
  expect(excerpt('bad gateway')).toBe('bad gateway');
  expect(excerpt(`<html>\r\n\u001b[31m${'x'.repeat(10_000)}`)).toMatch(/^<html> \[31mx{100,200}…$/);
});
