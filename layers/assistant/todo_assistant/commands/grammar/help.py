"""The answer to the command `help`."""

from typing import Final

HELP: Final = """\
Type a todo, with a date, #tags, a /project and a priority anywhere in it:
  call mum tomorrow 5pm #family !high
  pay rent on the 1st p1
  add: milk, eggs, bread
  remind me to water the plants in 3 days
  water plants every 2nd tuesday at 9am /home
  pay rent every month on the 1st until june
  buy flour under bake cake
Look at what there is:
  today
  list overdue
  list #home
  list /work
  projects
  what's due tomorrow?
  find milk
Get it done, or change it:
  done milk
  done all #home
  skip 2
  reopen milk
  move milk to friday
  remove date from milk
  repeat milk every week
  move milk to /shop
  move milk under bake cake
  rename milk to oat milk
  tag milk #shop
  rename tag shop to market
  delete tag market
  set milk priority high
  delete milk
  restore milk
  new project Work
  undo
Quote words to take them as they are: add "read 1984 tomorrow"."""
"""The text that explains the commands. Its indented lines are examples, and tests parse each of them."""
