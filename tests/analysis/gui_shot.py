"""Open a frame in ase gui, colour it by an array, and save a picture of the screen: FILE ARRAY PNG."""

import sys

from ase.gui.gui import GUI
from ase.gui.images import Images
from ase.io import read
from PIL import ImageGrab

path, array, png = sys.argv[1:]
gui = GUI(Images([read(path)]), rotations='-90x,-45y,8x')
gui.window.win.geometry('700x700+0+0')
gui.colors_window().toggle(array)
tk = gui.window.win
for child in tk.winfo_children():
    if child.winfo_class() == 'Toplevel':
        child.geometry('+702+0')
for _ in range(3):
    tk.update()
gui.focus()
for _ in range(3):
    tk.update()
assert gui.colormode == array
tk.after(1500, tk.quit)
tk.mainloop()
ImageGrab.grab(bbox=(0, 0, 1200, 730)).save(png)
