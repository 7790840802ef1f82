"""Opções do treino de train/scripts/train_xtts.py.

Cada linha é uma opção de escuta; a lista completa está em docs/settings.md. Duas opções de mesmo nome se distinguem
pela seção: `sampling__device` e `training__device`. As variáveis de ambiente MAX_TRAIN_SAMPLES e NUM_EPOCHS valem mais
do que este arquivo.
"""

language: str = "pt"
base: str = "auto"  # ou "xtts-v2", ou a pasta de um modelo

epochs: int = 10
batch_size: int = 2
learning_rate: float = 5e-6

save_every_n_epochs: int = 1  # um checkpoint, e o seu sample, a cada tantas épocas
mode: str = "background"  # "background", "inline", "isolated" ou "off": quem fala os samples
best_samples: bool = True  # um sample também quando val_loss melhora
