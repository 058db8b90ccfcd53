"""Open a frame in ase gui, colour it by an array, and save a picture of the screen: FILE ARRAY PNG."""

import sys

from ase.gui.gui import GUI
from ase.gui.images import Images
from ase.io import read
from PIL import Image, ImageGrab

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
screen, page = ImageGrab.grab(), Image.new('RGB', (1200, 730), 'white')
boxes = []
for window in [tk, *(child for child in tk.winfo_children() if child.winfo_class() == 'Toplevel')]:
    x, y = window.winfo_x(), window.winfo_y()  # with its menu
    boxes.append((x, y, window.winfo_rootx() + window.winfo_width(), window.winfo_rooty() + window.winfo_height() - 2))
    page.paste(screen.crop(boxes[-1]), (x, y))  # what lies between the windows stays white
page.crop((0, 0, max(box[2] for box in boxes), max(box[3] for box in boxes))).save(png)
