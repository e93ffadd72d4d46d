"""Output files and folders: atomic writing, temporary files, locks, and file names."""

from gfla_tf.files.outputs import (
    PathLike,
    atomic_path,
    check_name,
    check_output,
    is_working_folder_deleted,
    missing_folders,
    move_folder,
    new_folder,
    output_folder,
    remove_empty_folders,
    replace_file,
    write_files,
)

__all__ = [
    "PathLike",
    "atomic_path",
    "check_name",
    "check_output",
    "is_working_folder_deleted",
    "missing_folders",
    "move_folder",
    "new_folder",
    "output_folder",
    "remove_empty_folders",
    "replace_file",
    "write_files",
]
