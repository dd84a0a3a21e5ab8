"""Find the hand in depth pictures and write its mesh, an overlay and views of the point cloud.

python demo/depth_demo.py depth_1_0000001.png --camera nyu
python demo/depth_demo.py depth_1_0000001.png --camera nyu --model dsf_r18_nyu --checkpoint FILE.pth
python demo/depth_demo.py frame.png --camera 475 475 320 240 --cube 0.2
"""

import argparse

from mmhand_flags import CAMERA_NAMES, ToolParser, add_config_options, start_tool


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Arguments of the command line."""
    parser = ToolParser(__doc__)
    parser.add_argument(
        'frames', nargs='+', help="depth: 16-bit PNG (mm), NYU's two-byte PNG, MSRA's .bin, or .npy"
    )
    parser.add_argument(
        '--camera',
        nargs='+',
        required=True,
        metavar='NAME | FX FY CX CY',
        help=f'{", ".join(CAMERA_NAMES)}, or intrinsics in pixels',
    )
    parser.add_argument('--model', default='dsf_r18_pretrain_cpu_nyu', help='config, or its name')
    parser.add_argument(
        '--checkpoint', help='weights; else those of the model in the package, if it has any'
    )
    parser.add_argument(
        '--center', nargs=3, type=float, metavar=('X', 'Y', 'Z'), help='of the hand, metres'
    )
    parser.add_argument('--cube', type=float, default=0.25, help='edge of the crop, metres (0.25)')
    parser.add_argument('--left', action='store_true', help='a left hand: the picture is mirrored')
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--out-dir', metavar='DIR', default='work_dirs/depth_demo')
    add_config_options(parser)
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

from pathlib import Path

import numpy as np

from mmhand.apis import init_model
from mmhand.apis.depth import inference_depth
from mmhand.cameras import DEPTH_CAMERAS, DepthCamera, unproject_depth
from mmhand.datasets.transforms import read_depth
from mmhand.geometry.mesh_io import save_mesh
from mmhand.renderers.overlay import overlay_mesh
from mmhand.utils.atomic_io import save_npz
from mmhand.utils.errors import HandConfigError, cli_guard
from mmhand.utils.model_zoo import zoo_file
from mmhand.utils.setup_env import ensure_writable
from mmhand.visualization.depth_views import depth_image, point_cloud_views
from mmhand.visualization.draw import draw_skeleton, stamp_untrained
from mmhand.visualization.hand_visualizer import write_image


def camera_from(words: list[str], shape: tuple[int, int]) -> DepthCamera:
    """The camera that the command line names, for a picture (H, W)."""
    if len(words) == 1:
        if words[0] not in DEPTH_CAMERAS:
            known = ', '.join(DEPTH_CAMERAS)
            raise HandConfigError(f'--camera is "{words[0]}", not one of {known}, or FX FY CX CY')
        camera = DEPTH_CAMERAS[words[0]]
        if camera.size != shape[::-1]:
            raise HandConfigError(
                f'--camera {words[0]} has pictures of {camera.size[0]} x {camera.size[1]}, this one has '
                f'{shape[1]} x {shape[0]}: give FX FY CX CY'
            )
        return camera
    try:
        fx, fy, cx, cy = (float(word) for word in words)
    except ValueError:
        raise HandConfigError(
            f'--camera takes a name, or FX FY CX CY, not "{" ".join(words)}"'
        ) from None
    if fx <= 0 or fy <= 0:
        raise HandConfigError(f'--camera: focal lengths must be positive, not {fx:g} {fy:g}')
    return DepthCamera('given', (fx, fy), (cx, cy), shape[::-1])


@cli_guard
def main(argv: list[str] | None = None) -> None:
    """Run the demo."""
    args = parse_args(argv)
    out = ensure_writable(args.out_dir)
    # A checkpoint of the package is one of its config as it stands; the translation is not needed here.
    checkpoint = args.checkpoint or (None if args.cfg_options else zoo_file(args.model))
    options = {**(args.cfg_options or {}), 'model.generator': None}
    model = None
    for frame in args.frames:
        depth = read_depth(frame)
        camera = camera_from(args.camera, depth.shape)
        if args.left:
            depth = depth[:, ::-1]
            u, v = camera.principal
            camera = DepthCamera(camera.name, camera.focal, (camera.size[0] - u, v), camera.size)
        model = model or init_model(args.model, checkpoint, args.device, options)
        center = args.center
        if center is not None and args.left:
            center = [-center[0], *center[1:]]
        sample = inference_depth(model, depth, camera, center, args.cube, Path(frame).name)
        write_hand(Path(frame).stem, out, depth, camera, model, sample, args.left)


def write_hand(
    stem: str,
    out: Path,
    depth: np.ndarray,
    camera: DepthCamera,
    model: object,
    sample: object,
    left: bool,
) -> None:
    """Write ``STEM_overlay.png``, ``STEM_cloud.png``, ``STEM.glb`` and ``STEM.npz``."""
    hands = sample.pred_hands
    vertices, joints = (hands[name][0].cpu().numpy() for name in ('vertices', 'keypoints_3d'))
    faces = model.reader.hand.faces.cpu().numpy()
    center, cube = sample.crop_center, sample.crop_cube
    near, far = center[2] - cube[2], center[2] + 1.5 * cube[2]
    image = depth_image(depth, near, far)
    K = camera.K
    K[:2, 2] -= 0.5  # pictures are drawn with whole numbers at pixels' middles
    drawn = overlay_mesh(image, vertices, faces, K, alpha=0.7)[..., ::-1].copy()
    uv = joints @ K.T
    skeleton = draw_skeleton(image.copy(), uv[:, :2] / uv[:, 2:])
    rows, columns = np.nonzero(np.abs(depth - center[2]) < cube[2] / 2)
    uvz = np.stack((columns + 0.5, rows + 0.5, depth[rows, columns]), axis=1)
    points = unproject_depth(uvz.astype(np.float64), camera)
    points = points[(np.abs(points - center) < cube / 2).all(1)]
    if left:
        drawn, skeleton = drawn[:, ::-1], skeleton[:, ::-1]
        vertices, joints, points = (p * [-1, 1, 1] for p in (vertices, joints, points))
        faces = faces[:, ::-1]
    overlay = np.concatenate([skeleton, drawn], axis=1)
    if model.weights_source is None:
        stamp_untrained(overlay)
    write_image(out / f'{stem}_overlay.png', overlay)
    write_image(out / f'{stem}_cloud.png', point_cloud_views(points, vertices, span=float(cube[0])))
    save_mesh(out / f'{stem}.glb', vertices, np.ascontiguousarray(faces))
    save_npz(out / f'{stem}.npz', dict(vertices=vertices, joints=joints, center=center))
    source = sample.get('center_source', 'given')
    place = ', '.join(f'{value:.3f}' for value in joints.mean(0))
    print(f'{stem}: hand at {place} m (centre {source}); {out}')


if __name__ == '__main__':
    main()
